"""What searching needs of a database: a predicate, a rank, and the index that serves both.

What was searched for comes as `schema.words.Searched` in one placeholder; each database writes it in its own language.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select

from onetrip.schema.model import Search
from onetrip.schema.words import Searched

NAME = "onetrip_search"
"""The column, or the beginning of the name of the table, that holds the words of rows."""

CHARACTERS = 200_000
"""What is searched of a row, its columns together: PostgreSQL keeps a megabyte of words, and these always fit."""


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """Where the words of a table's rows are kept, in statements.

    `state` asks for one text, which is `wanted` when the index is there as it is declared, and none without an index.
    `create` makes and fills it, in place of another one.
    """

    name: str
    table: sa.Table
    state: str
    wanted: str
    create: tuple[str, ...]


class FullText(ABC):
    """The answers of one database. `row` is the table of rows, or an alias of it."""

    @abstractmethod
    def matches(self, search: Search, row: Any, name: str) -> ColumnElement[bool]:
        """Say that a row has what is searched for."""

    @abstractmethod
    def ranked(self, search: Search, rows: Select[Any], row: Any, name: str) -> tuple[Select[Any], Any]:
        """Keep the rows that have it, and answer by what they are ordered, the best first."""

    @abstractmethod
    def index(self, search: Search) -> SearchIndex:
        """Describe the index."""

    @abstractmethod
    def drop(self, table: sa.Table) -> tuple[str, ...]:
        """Say what takes the index of a table away."""

    @abstractmethod
    def described(self, state: str) -> tuple[Mapping[str, str | None], str] | None:
        """Read in an index that is there what it was made of: columns with their weights, and the language."""


class Sought(sa.types.TypeDecorator[Searched]):
    """A placeholder whose value is written in the language of a database on its way to the driver."""

    impl = sa.Text
    cache_ok = False

    def __init__(self, write: Callable[[Searched], str]) -> None:
        super().__init__()
        self.write = write

    def copy(self, **options: Any) -> "Sought":
        """Make another one."""
        return Sought(self.write)

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Write what is searched for."""
        return None if value is None else self.write(value)


def row_of(entity: Any) -> Any:
    """Find the table that an (aliased) entity stands for, or its alias."""
    return sa.inspect(entity).selectable
