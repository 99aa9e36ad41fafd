"""What exists: the frozen description of everything that is served.

Derived once at start (`schema.derive`), then only read. Planner, compiler and router speak in these terms; the mapped
class and the Pydantic models are carried along for the stages that need them and are opaque to the others. No
third-party import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

LINK = "_link"
"""The key under which an embedded row carries the columns of its link row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """A column (or column expression) under its public name. `attribute` is its name on the mapped class.

    `type` is a `schema.types.FieldType`; `description` goes to OpenAPI. With `keys` it is what they lead to inside a
    JSON column: names of members, numbers of items.
    """

    name: str
    attribute: str
    type: Any
    nullable: bool
    description: str | None = None
    keys: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relation:
    """A relationship under its public name: `many` rows or one, of the resource named `target`.

    `link` are the columns that a many-to-many link row carries beside its two keys; `unwritten` names those that SQL
    cannot write, which are left out.
    """

    name: str
    attribute: str
    many: bool
    target: str
    nullable: bool = True
    link: tuple[Field, ...] = ()
    unwritten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nested:
    """A relation that a hand-written read schema always shows, under its name there.

    `target` is the resource at the end of it as it is shown here. It need not be one that is served: then it has no
    relations that a client could ask for.
    """

    name: str
    relation: Relation
    target: "ResourceSchema"

    @property
    def view(self) -> "View":
        """What is shown of each row."""
        return self.target.view


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computed:
    """What only Python can make of a row: a computed field, a property. Nothing can filter or sort by it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What is shown of one entity: `items` in the order in which they are written.

    `model` is the Pydantic model that says the same. `python` is the reason why SQL cannot write this view as
    Pydantic would, or `None`; then Python writes it, from the same single statement, of all of its `columns` and
    relations. `read` are relations that its model reads and does not show. `rewritten` names the columns
    whose values the model writes in its own way.
    """

    entity: type[Any]
    columns: tuple[Field, ...]
    items: tuple[Field | Nested | Computed, ...]
    model: Any
    python: str | None = None
    read: tuple[Nested, ...] = ()
    rewritten: frozenset[str] = frozenset()
    fields: tuple[Field, ...] = field(init=False)
    nested: tuple[Nested, ...] = field(init=False)
    computed: tuple[Computed, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, kind in (("fields", Field), ("nested", Nested), ("computed", Computed)):
            object.__setattr__(self, name, tuple(item for item in self.items if isinstance(item, kind)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """What a client may send: a Pydantic model, and the columns that its fields set, by the name of the field.

    A field whose value is `pydantic.MISSING` was not sent and has no default here: the database's own applies. `extra`
    names fields that set no column; they are there for a hook. `given` are keys that no client sends, because the path
    says what they are; the model takes them all the same.
    """

    model: Any
    columns: Mapping[str, Field]
    extra: tuple[str, ...] = ()
    given: Mapping[str, Field] = field(default_factory=dict)

    @property
    def is_required(self) -> bool:
        """Whether something must be sent."""
        fields = self.model.model_fields.items()
        return any(info.is_required() and (info.validation_alias or name) not in self.given for name, info in fields)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generated:
    """A column that Python fills when the client does not: `value()` makes the next one."""

    field: Field
    value: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Increment:
    """A column to which a client may add. `parse(value)` answers the amount, or raises `ValueError` with a sentence."""

    field: Field
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constraint:
    """A rule of a table that the database enforces.

    `name` is the database's (a unique index has one, too); `columns` are names in the database, by which SQLite tells a
    unique constraint; `fields` are public names, without those of hidden columns. `target` is the path segment of the
    resource that a foreign key leads to, if it is served, `where` the condition of a partial index. What is
    `deferrable` may be checked as late as at the commit.
    """

    kind: Literal["primary_key", "unique", "foreign_key", "check"]
    name: str | None
    table: str
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    target: str | None = None
    where: Any = None
    deferrable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Writes:
    """What can be changed of a resource. A body that is `None` is not taken, for the reason in `refused`.

    `inserted` and `updated` are columns that Python fills by itself. `version` counts the changes of a row; with
    `conditional`, a row is only changed with `If-Match`. `session` is the reason why a row is not written by one
    statement; `unit_of_work` has such reasons by action (`create`, `update`, `delete`, `restore`), those of hooks and
    listeners included. `hooks` are called before each action, and after a `commit`. `hooked` has all columns by
    attribute for actions that take a session for nothing but hooks before them, and so only if one asks for it. `bulk`
    is how many rows are changed at most that filters choose, if any are. `increments` are columns to which an amount
    can be added.
    """

    create: Body | None = None
    update: Body | None = None
    replace: Body | None = None
    delete: bool = False
    inserted: tuple[Generated, ...] = ()
    updated: tuple[Generated, ...] = ()
    version: Field | None = None
    conditional: bool = False
    constraints: tuple[Constraint, ...] = ()
    session: str | None = None
    unit_of_work: Mapping[str, str] = field(default_factory=dict)
    hooks: Mapping[str, tuple[Callable[[Any], Any], ...]] = field(default_factory=dict)
    hooked: Mapping[str, Mapping[str, Field]] = field(default_factory=dict)
    refused: str | None = None
    bulk: int | None = None
    increments: tuple[Increment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """What is written down of the changes of rows. `entries` is how that is read: a resource of its own.

    Of `columns` an entry has the values before and after a change, of `redacted` ones only that they changed.
    """

    entries: "ResourceSchema"
    columns: tuple[Field, ...]
    redacted: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """How a table is searched: its columns, each with a weight from A to D, if they have any, and the language."""

    table: Any
    columns: tuple[tuple[Any, str | None], ...]
    language: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceSchema:
    """One served table: its path segment, its key, what it shows and where it leads.

    `singular` and `plural` are the snake-case names in operation ids; `hidden` the columns that never leave the
    database, `guessed_secrets` those of them that only sound secret. `deleted` is the column that says when a row was
    deleted, where that leaves the row in its table: then whatever reads does not find it. `export` says that all of its
    rows are served as NDJSON and CSV. `past` says what is written down of its changes, where anything is.
    `aggregate` says that its rows can be grouped and counted.
    """

    name: str
    title: str
    singular: str
    plural: str
    entity: type[Any]
    key: tuple[Field, ...]
    view: View
    relations: Mapping[str, Relation]
    hidden: tuple[str, ...] = ()
    guessed_secrets: tuple[str, ...] = ()
    default_limit: int = 50
    max_limit: int = 1000
    description: str | None = None
    tags: tuple[str, ...] = ()
    export: bool = True
    deleted: Field | None = None
    search: Search | None = None
    past: Past | None = None
    aggregate: bool = True
    writes: Writes = field(default_factory=Writes)
    fields: Mapping[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", {shown.name: shown for shown in self.view.fields})


Pairs = tuple[tuple[Field, Field], ...]
"""Columns of a foreign key, each with the part of a key that it refers to."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Through:
    """What can be changed through a relation to many: `create` is taken of a row that is made at the end of it.

    `near` refers to the row in the path: from the new row, or, where there are many on both sides, from link rows.
    Those are described by `rows`, refer to the other side by `far`, and `link` is what a client may say of one.
    """

    create: Body | None
    near: Pairs
    far: Pairs = ()
    rows: ResourceSchema | None = None
    link: Body | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inner:
    """A relation whose rows may stand in the body of a row, under the name of the relation.

    `kind` says where the foreign key is: in the `children` at its end, in `links` between many and many, or in the row
    itself, of which there is `one` at its end. `pairs` are its columns; where clients send it instead, they say `keys`.
    `chosen` says that clients choose the keys of new rows.
    """

    relation: Relation
    kind: Literal["children", "links", "one"]
    target: ResourceSchema
    pairs: Pairs
    keys: tuple[str, ...] = ()
    chosen: bool = False

    @property
    def name(self) -> str:
        """The field of the body."""
        return self.relation.name

    @property
    def key(self) -> tuple[Field, ...]:
        """What a client writes of the key of a row at its end: all that the foreign key does not give."""
        given = {column.attribute for column, _ in self.pairs} if self.kind == "children" else ()
        return tuple(part for part in self.target.key if part.attribute not in given)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NestedBody:
    """A body in which rows of relations may stand: `whole` is its form, `own` reads the row without them."""

    kind: Literal["create", "update", "replace"]
    whole: Body
    own: Body
    inner: tuple[Inner, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schema:
    """Everything that is served, by path segment, what can be changed `through` its relations, and in `nested` bodies.

    Those are of a resource, by `create`, `update` and `replace`.
    """

    resources: Mapping[str, ResourceSchema]
    through: Mapping[Relation, Through] = field(default_factory=dict)
    nested: Mapping[str, Mapping[str, NestedBody]] = field(default_factory=dict)

    def read_only(self) -> "Schema":
        """Answer the same, of which nothing can be changed."""
        kept = {
            name: replace(resource, writes=Writes(version=resource.writes.version))
            for name, resource in self.resources.items()
        }
        return Schema(resources=kept)
