"""What exists: the frozen description of everything that is served.

Derived once at start (`schema.derive`), then only read. Planner, compiler and router speak in these terms; the mapped
class and the Pydantic models are carried along for the stages that need them and are opaque to the others. No
third-party import.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """A column (or column expression) under its public name. `attribute` is its name on the mapped class.

    `type` is a `schema.types.FieldType`; `description` goes to OpenAPI.
    """

    name: str
    attribute: str
    type: Any
    nullable: bool
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relation:
    """A relationship under its public name: `many` rows or one, of the resource named `target`.

    `link` are the columns that a many-to-many link row carries beside its two keys.
    """

    name: str
    attribute: str
    many: bool
    target: str
    nullable: bool = True
    link: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nested:
    """A relation that a hand-written read schema always shows, under its name there."""

    name: str
    relation: Relation
    view: "View"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What is shown of one entity, in which order: its columns, and relations that are always part of it.

    `model` is the Pydantic model that says the same. `python` is the reason why SQL cannot write this view as
    Pydantic would, or `None`; then Python writes it, from the same single statement, of all of its `columns`.
    """

    entity: type[Any]
    columns: tuple[Field, ...]
    fields: tuple[Field, ...]
    nested: tuple[Nested, ...] = ()
    model: Any
    python: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourceSchema:
    """One served table: its path segment, its key, what it shows and where it leads.

    `singular` and `plural` are the snake-case names in operation ids; `hidden` the columns that never leave the
    database, `guessed_secrets` those of them that only sound secret.
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
    fields: Mapping[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", {shown.name: shown for shown in self.view.fields})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schema:
    """Everything that is served, by path segment."""

    resources: Mapping[str, ResourceSchema]
