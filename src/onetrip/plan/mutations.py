"""What a write means: a mutation with resolved columns and numbered parameters, and how the row is written afterwards.

As with what is read (`ir`): no SQL, no HTTP, no ORM, and no value that changes between requests of one shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onetrip.plan.ir import Comparison, Parameter, Predicate, Shape
from onetrip.schema.model import Constraint, Field, Generated, Pairs, ResourceSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A column, and the number of the parameter that it is set to."""

    field: Field
    parameter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """What happens to a row that is there already: `changed` columns become what a new row would have.

    Without any it is left as it is. `constraint` is the unique key by which it is found, `key` its columns. `generated`
    are what Python fills in a row that changes.
    """

    constraint: Constraint
    key: tuple[Field, ...]
    changed: tuple[Field, ...]
    generated: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A row that others refer to: of `entity`, by its key. `pairs` are their columns, each with a part of that key."""

    entity: type[Any]
    where: tuple[Comparison, ...]
    pairs: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A new row of `rows`, which links the rows at its `ends`; without those there is none.

    With `kept`, a link that is there already stays: its `changed` columns become what a new one would have, and
    `updated` are what Python fills in then.
    """

    rows: ResourceSchema
    ends: tuple[End, End]
    assignments: tuple[Assignment, ...]
    kept: bool = False
    changed: tuple[Field, ...] = ()
    updated: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlink:
    """The end of a link."""

    rows: ResourceSchema
    ends: tuple[End, End]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """New rows. With `many`, each parameter is the list of the values of its column.

    With an `anchor`, they refer to that row, and without it there are none; with a `link`, they are linked to it.
    """

    assignments: tuple[Assignment, ...]
    many: bool = False
    upsert: Upsert | None = None
    anchor: End | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A change of the rows that meet the conditions; `reset` columns become what they are by default.

    With `restored`, it is a change of rows that were deleted, which are there again.

    Those of `increments` grow by their parameters. With a `cap`, at most so many rows change, or none.
    """

    where: tuple[Predicate, ...]
    assignments: tuple[Assignment, ...]
    reset: tuple[Field, ...] = ()
    increments: tuple[Assignment, ...] = ()
    cap: int | None = None
    restored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """The end of the rows that meet the conditions; with a `cap`, of at most so many, or of none."""

    where: tuple[Predicate, ...]
    cap: int | None = None


Mutation = Insert | Update | Delete | Link | Unlink


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """One write of a resource: a mutation, and how the row is written that it leaves behind (`None`: not at all).

    Values come in this order: `parameters` of the URL, the version that the client expects (if `conditional`), the
    columns of the body as the mutation names them, amounts, and then what is `generated` here. `leads_back` says that
    what is embedded leads to rows of the very table that is written, which a statement sees as they were before it.
    """

    resource: ResourceSchema
    mutation: Mutation
    shape: Shape | None
    parameters: tuple[Parameter, ...]
    conditional: bool = False
    generated: tuple[Generated, ...] = ()
    leads_back: bool = False
    check: Callable[[tuple[Any, ...]], None] | None = None

    @property
    def python(self) -> bool:
        """Whether Python writes (part of) the answer."""
        return self.shape is not None and self.shape.python
