"""What a snapshot holds: frozen, comparable, without SQLAlchemy. Definitions are the database's own text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["primary", "unique", "check", "foreign", "exclude"]

Name = tuple[str | None, str]
"""The schema (`None` for the default one) and the name of a table, type or view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `type` has its length and precision; `generated` and `identity` say how, `None` where it is not."""

    name: str
    type: str
    nullable: bool
    default: str | None = None
    generated: str | None = None
    identity: str | None = None
    collation: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A constraint. One that is not `valid` holds for new rows only (NOT VALID)."""

    name: str | None
    kind: Kind
    definition: str
    columns: tuple[str, ...] = ()
    valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that is no constraint's. One that is not `valid` was begun CONCURRENTLY and never finished."""

    name: str
    definition: str
    columns: tuple[str, ...] = ()
    unique: bool = False
    valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, its columns in their order. `triggers` are their definitions by name."""

    name: Name
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A schema. `enums` are the labels of PostgreSQL's types, `views` the definitions, by name."""

    tables: Mapping[Name, Table]
    enums: Mapping[Name, tuple[str, ...]] = field(default_factory=dict)
    views: Mapping[Name, str] = field(default_factory=dict)
    sequences: frozenset[Name] = frozenset()
