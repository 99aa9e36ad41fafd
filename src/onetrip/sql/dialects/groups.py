"""What a database can say of groups of rows: aggregates of columns, and buckets of time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from onetrip.schema.types import FieldType

TINY = "1e-290"
"""A sum of floats that is less is nothing when it is divided: PostgreSQL fails where no digit of the result is left."""


class Groups(ABC):
    """The answers of one database about groups."""

    @abstractmethod
    def aggregate(self, function: str, type_: FieldType, result: FieldType, column: Any) -> Any:
        """Make one value of a column of many rows: `count`, `sum`, `avg`, `min` or `max`.

        It is of the type `result`, and NULL when no row has a value, but for `count`. Exact for integers and decimals,
        however large a sum becomes; a sum of floats that none can hold is infinite.
        """

    @abstractmethod
    def bucket(self, type_: FieldType, column: Any, unit: str) -> Any:
        """Answer the beginning of the span of time (`year` to `minute`, in UTC) in which a date or moment lies."""

    def plain(self, type_: FieldType, column: Any) -> Any:
        """Answer the one form of a value of which there may be several, by which equal values are grouped."""
        return column

    @abstractmethod
    def running(self, type_: FieldType, column: Any, order: Sequence[Any]) -> Any:
        """Add up integers or decimals, row after row in an order; NULL before the first value."""


def over(order: Sequence[Any]) -> str:
    """Write the window of all rows up to this one; the keys of the order are the parts of a template from 1 on."""
    keys = ", ".join(f"{{{number}}}" for number in range(1, len(order) + 1))
    return f"OVER (ORDER BY {keys} ROWS UNBOUNDED PRECEDING)"
