"""What a request for aggregates means: resolved columns, functions and conditions, and nothing else.

As in `ir`: no SQL, no HTTP, no ORM; a plan that exists compiles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onetrip.plan.ir import Anchor, Hop, Number, OrderKey, Parameter, Predicate
from onetrip.schema.model import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A column of each row, or of the one to which `path` leads, NULL without one; with a `bucket`, its beginning."""

    column: Field
    path: tuple[Hop, ...] = ()
    bucket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A value of each group: `field` is its name in the answer, its type, and as what conditions and orders find it.

    Without a `function` it is what the rows of the group have in common. Without an `of`, rows are counted.
    """

    field: Field
    of: Input | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatePlan:
    """Groups of the rows that meet the conditions `where`: those that meet `having`, in an order, some of them.

    `having` and `order` are of the fields of `outputs`. With an `anchor`, rows are those at the end of its relation.
    """

    entity: type[Any]
    where: tuple[Predicate, ...]
    outputs: tuple[Output, ...]
    having: tuple[Predicate, ...]
    order: tuple[OrderKey, ...]
    limit: Number
    offset: Number
    parameters: tuple[Parameter, ...]
    anchor: Anchor | None = None
    check: Callable[[tuple[Any, ...]], None] | None = None

    @property
    def keys(self) -> tuple[Output, ...]:
        """What the rows of each group have in common."""
        return tuple(output for output in self.outputs if output.function is None)
