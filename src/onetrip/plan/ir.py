"""What a request means: resolved names and types, and nothing else.

A `ReadPlan` holds fields and relations of the schema and numbered parameters; no SQL, no HTTP, no ORM. Whatever could
be refused was refused while it was made: a plan that exists compiles. It stands for every request of its shape, so it
holds no value that changes between them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from onetrip.errors import Location
from onetrip.plan.given import Given
from onetrip.schema.model import Computed, Field, Relation, Search, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value of a request: which text it is read from (`slot`), by which parser, and where it stands.

    Without a slot its value is `default`. `miss_is_absence` says that a value out of the type's range means that there
    is no such row (a key), not that the request is wrong.
    """

    loc: Location
    parse: Callable[[str], Any]
    slot: int | None = None
    default: Any = None
    miss_is_absence: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """How many: the number of a parameter, and its `value` where that is the same in every request of a shape."""

    parameter: int
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """A step along a relation, to the entity at its end."""

    relation: Relation
    entity: type[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A field against parameters, by their numbers in the plan; of the row that `path` leads to, NULL without one."""

    field: Field
    operator: str
    parameters: tuple[int, ...] = ()
    path: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every predicate holds."""

    of: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one predicate holds."""

    of: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class Negation:
    """The predicate does not hold."""

    of: "Predicate"


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of the predicates that is true or false holds: each is about values of another kind."""

    of: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class Exists:
    """A row at the end of the relation exists, and meets the predicate."""

    relation: Relation
    entity: type[Any]
    of: "Predicate | None" = None


@dataclass(frozen=True, slots=True)
class Matches:
    """The row has the words that a parameter asks for, in the columns that are searched."""

    search: Search
    parameter: int


Predicate = Comparison | AllOf | AnyOf | Negation | FirstOf | Exists | Matches | Given


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """One key of the order. NULL counts as the largest value unless `nulls_first` says where it goes.

    The field is that of the row to which `path` leads.
    """

    field: Field
    descending: bool = False
    nulls_first: bool | None = None
    path: tuple[Hop, ...] = ()

    @property
    def nullable(self) -> bool:
        """Whether there may be no value."""
        return self.field.nullable or bool(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One JSON object: columns and embedded relations of a view, in the order in which they are written.

    `loaded` are relations that are read beside them, because Python writes the view and its model needs them.
    """

    view: View
    items: "tuple[Item, ...]"
    loaded: "tuple[Embedded, ...]" = ()

    @property
    def python(self) -> bool:
        """Whether Python writes (part of) it."""
        inner = (item for item in self.items if isinstance(item, Embedded))
        return self.view.python is not None or any(item.selection.shape.python for item in inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many rows there are at the end of a relation, under a name in the answer."""

    name: str
    relation: Relation
    entity: type[Any]


@dataclass(frozen=True, slots=True)
class Keyset:
    """Where a page begins: behind the row in which the keys of the order have these values, numbers of parameters.

    `nulls` says which of them are NULL, because they are compared in another way.
    """

    values: tuple[int, ...]
    nulls: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A cursor that was given: the slot of its text, and the numbers of the parameters that are its `values`.

    It is one of the list that is answered, or of that of a `relation` of the row in the path, in this `order`, of the
    rows that meet the predicates.
    """

    loc: Location
    slot: int
    direction: Literal["after", "before"]
    values: tuple[int, ...]
    order: tuple[OrderKey, ...]
    where: tuple[Predicate, ...]
    relation: Relation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How the pages of a list hang together.

    By cursors, if it `walks`: then it is answered where its rows stand. `direction` is that of the cursor that was
    given: `before` one, rows are read backwards, the nearest first. `total` is how all rows are counted.
    """

    walks: bool = True
    direction: Literal["after", "before"] | None = None
    total: Literal["exact", "estimated"] | None = None

    @property
    def backwards(self) -> bool:
        """Whether rows are read in the opposite order."""
        return self.direction == "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """What a row is among all rows of its list: its place in the `order`, or the sum of a `field` up to it.

    `type` is a `schema.types.FieldType`, that of the sum.
    """

    name: str
    order: tuple[OrderKey, ...] = ()
    field: Field | None = None
    type: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows of one entity: which, in which order, how many, and how each is written.

    With `exactly`, no row more than `limit` is read; a list of its own reads one more, to know whether there is one.
    `cap` is the limit of an embed for which none was asked. Without a `keyset` it begins with the first row.
    """

    shape: Shape
    where: tuple[Predicate, ...] = ()
    rank: Matches | None = None
    order: tuple[OrderKey, ...] = ()
    limit: Number | None = None
    offset: Number | None = None
    exactly: bool = False
    cap: int | None = None
    keyset: Keyset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A relation inside an object, under its name in the answer."""

    name: str
    relation: Relation
    selection: Selection


Item = Field | Computed | Counted | Windowed | Embedded
"""What stands in an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The row that a relation's collection hangs on; when it does not exist, the answer is 404."""

    entity: type[Any]
    where: tuple[Comparison, ...]
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The row whose history is read; when there is neither the row nor a history, the answer is 404.

    `entries` are of the resource of this name, and of the key whose parts are the parameters `key`: texts of JSON.
    """

    resource: str
    entity: type[Any]
    where: tuple[Comparison, ...]
    key: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """One read: a list (`many`) or one object, of an entity, of a relation of an anchor, or of a history.

    `version` is the column that counts the changes of the one row; it is answered beside the object. `paging` is that
    of a list; `cursors` are those that say where lists begin, which are read before anything runs. `check`
    refuses values that are valid one by one, but not together.
    """

    selection: Selection
    many: bool
    parameters: tuple[Parameter, ...]
    anchor: Anchor | None = None
    version: Field | None = None
    trail: Trail | None = None
    paging: Paging | None = None
    cursors: tuple[Cursor, ...] = ()
    check: Callable[[tuple[Any, ...]], None] | None = None

    @property
    def python(self) -> bool:
        """Whether Python writes (part of) the answer."""
        return self.selection.shape.python
