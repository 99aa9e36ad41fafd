"""What pages of lists need of a database: where a row stands in an order, and how many rows there are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from onetrip.schema.types import FieldType


class Pages(ABC):
    """The answers of one database."""

    @abstractmethod
    def shows_as_stored(self, type_: FieldType) -> bool:
        """Say whether JSON has a value just as it is stored, so that it can be compared with others of its column."""

    @abstractmethod
    def position(self, columns: Sequence[tuple[FieldType, Any]]) -> Any:
        """Write values just as they are stored, as the text of a JSON array."""

    @abstractmethod
    def value(self, type_: FieldType, column: Any, name: str) -> Any:
        """Make the placeholder of such a value, or of one that was shown, which is compared with the column."""

    def estimate(self, count: Any, table: sa.Table | None) -> Any | None:
        """Guess how many rows a table has; `count` counts those of the list, which are others if there is no table.

        `None` where the planner has to be asked, by what is `explained`.
        """
        return count

    def explained(self, text: str) -> str:
        """Make a statement that asks the planner about another: the answer is JSON, as PostgreSQL writes it."""
        raise NotImplementedError
