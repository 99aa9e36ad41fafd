"""What a condition needs of a database to look into JSON: a value inside it, by the keys that lead there, and lists.

A value is NULL where there is none, where JSON says `null`, and where it is not of the kind that is asked for; then no
comparison with it is true, nor is its negation. Keys are arguments, because clients write them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy import ColumnElement

from onetrip.schema.types import FieldType

Keys = Sequence[str | int]
"""Names of members and numbers of items; a name of digits may be either."""


class Documents(ABC):
    """The answers of one database."""

    @abstractmethod
    def value(self, type_: FieldType, column: Any, keys: Keys) -> Any:
        """Find what is inside a JSON column, as a value of a type's kind.

        A `scalar` is the text of a string or a boolean, and behind a sign of its own that of a number; `json` is the
        text of whatever there is, a `list` is JSON.
        """

    @abstractmethod
    def holds(self, sign: str, values: Any, name: str) -> ColumnElement[bool]:
        """Say that a `list` holds all of the values in a placeholder (`contains`), or one of them (`overlaps`).

        Each is a list of what it may be in JSON: the text `3`, or the number.
        """


class Text(sa.types.TypeDecorator[str]):
    """Text in JSON, which no column's collation orders."""

    impl = sa.Text
    cache_ok = True


class Number(sa.types.TypeDecorator[Any]):
    """A number in JSON. It is exact in PostgreSQL; so a float is sent as what it is in JSON."""

    impl = sa.Numeric
    cache_ok = True

    def bind_processor(self, dialect: Any) -> Any:
        """Decide once, by the database."""
        return None if dialect.name == "sqlite" else _decimal


class Items(sa.types.TypeDecorator[Any]):
    """A list of values that travels as JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Write the list."""
        return None if value is None else to_json(value).decode()


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(repr(value))
