"""What a database can say: a set of answers with generic defaults.

A dialect builds the few expressions in which databases differ: how a value is written as JSON, how an object and an
array are assembled, how NULLs sort. Nothing outside this folder asks which database it is.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select
from sqlalchemy.engine import Dialect as SQLAlchemyDialect
from sqlalchemy.orm import aliased

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.documents import Documents
from onetrip.sql.dialects.full_text import FullText
from onetrip.sql.dialects.groups import Groups
from onetrip.sql.dialects.pages import Pages
from onetrip.sql.template import Template, quoted

Writer = Callable[[FieldType, Any], Any]
"""`(type, column) → expression`, whose value goes into a JSON object."""


Render = Callable[[Any], Sequence[Select[Any]]]
"""`(entity) → selects of one JSON column` over the rows that an entity stands for."""

Following = Callable[[Any], Any]
"""`(rows that a mutation returned) → mutation` that follows it in the same statement."""


class Clash(NamedTuple):
    """What an INSERT does about a row that is there: `target` finds it, and `change` is made of it, or `None`.

    Both are arguments of `on_conflict_do_update`. `existing` are the conditions by which the row is read.
    """

    target: Mapping[str, Any]
    existing: Sequence[Any]
    change: Mapping[str, Any] | None

    def settle(self, insert: Any) -> Any:
        """Complete an INSERT, which answers with no row where there is nothing to change."""
        if self.change is None:
            return insert.on_conflict_do_nothing(**self.target)
        return insert.on_conflict_do_update(**self.target, **self.change)


class Dialect(ABC):
    """The answers of one database. `sqlalchemy` is the dialect by which statements are compiled."""

    writers: ClassVar[Mapping[str, Writer]]
    carriers: ClassVar[Mapping[str, Writer]]
    nulls_are_largest: ClassVar[bool]
    full_text: ClassVar[FullText]
    groups: ClassVar[Groups]
    pages: ClassVar[Pages]
    documents: ClassVar[Documents]

    def __init__(self, sqlalchemy: SQLAlchemyDialect) -> None:
        self.sqlalchemy = sqlalchemy

    def inexact(self, type_: FieldType) -> str | None:
        """Say why a type cannot be written as Pydantic writes it; `None` when it can."""
        return None

    def write(self, type_: FieldType, column: Any) -> Any:
        """Write a column's value as Pydantic writes it in JSON mode."""
        return self.writers[type_.kind](type_, column)

    def carry(self, type_: FieldType, column: Any) -> Any:
        """Write a column's value for Python, which reads it back as it was: NaN, and the labels of an Enum."""
        return self.carriers[type_.kind](type_, column)

    def found(
        self, entity: Any, rows: Select[Any], columns: Sequence[Any], *, sorts: bool
    ) -> tuple[Any, Select[Any]]:  # fmt: skip
        """Find the rows of a page before `objects` are written of some columns: answer an entity, and its rows.

        A subquery of their own, so that nothing is written of rows that an OFFSET skips or that a sort leaves out.
        What writes has no end itself: PostgreSQL makes it one query with what is around it, and copies no row.
        """
        row = aliased(sa.inspect(entity).mapper, rows.add_columns(*columns).subquery())
        return row, sa.select().select_from(row)

    @abstractmethod
    def objects(self, rows: Select[Any], items: Sequence[tuple[str, Any]], position: Any = None) -> Select[Any]:
        """Write each row as one JSON object, in the column `json`, beside its `position`, if one is given."""

    @abstractmethod
    def inline(self, items: Sequence[tuple[str, Any]]) -> Any:
        """Write expressions of one row as a JSON object inside another."""

    @abstractmethod
    def array(self, objects: Select[Any]) -> Any:
        """Collect objects in a JSON array, `[]` when there are none."""

    @abstractmethod
    def one(self, objects: Select[Any]) -> Any:
        """Take the only object, `null` when there is none."""

    @abstractmethod
    def records(self, objects: Select[Any], total: Any = None) -> Select[Any]:
        """Count objects and join their number and texts by `statement.SEPARATOR` in one value.

        The `total` and positions stand with the number, as `statement.Statement` says.
        """

    @abstractmethod
    def record(self, objects: Select[Any]) -> Select[Any]:
        """Answer one object as text; no row when there is none."""

    @abstractmethod
    def joined(self, texts: Sequence[Any]) -> Any:
        """Join texts by `statement.SEPARATOR` in one value; nothing or NULL when they are NULL."""

    @abstractmethod
    def insert(self, table: sa.Table) -> Any:
        """Begin an INSERT that knows what to do about a conflict."""

    @abstractmethod
    def returning(self, mutation: Any, entity: Any, render: Render, then: Following | None = None) -> Any:
        """Run a mutation of one row and answer what `render` makes of it: texts, joined by `statement.SEPARATOR`.

        `then` makes another mutation of the row, for databases that chain them.
        """

    @abstractmethod
    def returns_embeds(self) -> bool:
        """Say whether `returning` can follow relations."""

    def chains_writes(self) -> bool:
        """Say whether one statement can hold two mutations."""
        return False

    def insert_many(
        self, columns: Mapping[Any, str], fixed: Mapping[Any, Any], entity: Any, render: Render,
        conditions: Sequence[Any] = (), settle: Callable[[Any], Any] | None = None,
    ) -> Any:  # fmt: skip
        """Insert the rows of lists, one list for each column, and answer as `records` does.

        `columns` are named with their placeholders; `fixed` ones are equal in all rows. Without `conditions` that hold
        there are none. `settle` completes the INSERT. `None` when this database cannot, or not for such columns: then
        rows are inserted one after the other.
        """
        return None

    def rows_at_once(self, width: int) -> int:
        """Say how many rows of so many columns one INSERT is best given, where `insert_many` cannot take them all."""
        return 0

    @abstractmethod
    def upserting(self, insert: Any, clash: Clash, entity: Any, render: Render) -> tuple[Any, Any | None]:
        """Insert a row, or do what is said about the one that is there, and answer what `render` makes of either.

        Where one statement can say which of the two it was, it does so in front of the texts: `true` for a new row.
        Else there is a second one, to be run when the first has found a row that is there, and so answers with none.
        """

    def returning_many(self, mutation: Any, entity: Any, render: Render, condition: Any) -> Any:
        """Run a mutation of many rows and answer as `records` does; with no row where a condition does not hold.

        `None` when this database cannot.
        """
        return None

    @abstractmethod
    def increased(self, type_: FieldType, column: Any, name: str) -> Any:
        """Add what is in a placeholder to a number; NULL stays NULL, and what the column cannot hold is an error."""

    def wait_at_most(self, seconds: int) -> Any | None:
        """Bound the wait for locks in this transaction; `None` where connections are opened with a bound."""
        return None

    @abstractmethod
    def ago(self, span: timedelta) -> Any:
        """The moment by the database's clock, so long ago."""

    @abstractmethod
    def bytes_of(self, text: Any, following: Any) -> Any:
        """A text as bytes, and what follows it, if that is not NULL."""

    def parameter(self, name: str, type_: sa.types.TypeEngine[Any]) -> Any:
        """Make the placeholder of a value that is compared with a column of a type, or stored in it."""
        return sa.bindparam(name, type_=type_)

    def equal(self, type_: FieldType, column: Any, *values: Any) -> ColumnElement[bool]:
        """Say that a column has one of these bound values."""
        forms = [form for value in values for form in self.forms(type_, value)]
        return column.in_(forms) if len(forms) > 1 else column == forms[0]  # type: ignore[no-any-return]

    def forms(self, type_: FieldType, value: Any) -> Sequence[Any]:
        """List the forms in which a value may be stored."""
        return (value,)

    def compare(self, type_: FieldType, sign: str, column: Any, value: Any) -> ColumnElement[bool]:
        """Compare a column with a bound value by `gt`, `gte`, `lt` or `lte`."""
        return _ORDER[sign](column, value)  # type: ignore[no-any-return]

    @abstractmethod
    def match(self, sign: str, column: Any, name: str) -> ColumnElement[bool]:
        """Match text with what is in a placeholder, by an operator of text."""

    def holds(self, sign: str, type_: FieldType, column: Any, name: str) -> ColumnElement[bool]:
        """Say that an array holds all of the values in a placeholder (`contains`), or one of them (`overlaps`)."""
        raise NotImplementedError

    def sortable(self, type_: FieldType, column: Any) -> Any:
        """Answer by what a column is sorted."""
        return column

    def order(self, column: Any, *, descending: bool, nulls_first: bool | None, nullable: bool) -> Any:
        """Order by a column; NULL is the largest value unless said otherwise (PostgreSQL's rule, so indexes serve)."""
        ordered = column.desc() if descending else column.asc()
        if not nullable:
            return ordered
        wanted = descending if nulls_first is None else nulls_first
        by_default = descending if self.nulls_are_largest else not descending
        if wanted == by_default:
            return ordered
        return ordered.nulls_first() if wanted else ordered.nulls_last()


_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip


def as_is(type_: FieldType, column: Any) -> Any:
    """Write a value that the database's own JSON functions write right."""
    return column


def by_template(template: str) -> Writer:
    """Write a value by a template of SQL around its column."""
    return lambda type_, column: Template(template, column)


def cases(type_: FieldType, constant: Callable[[Any], str]) -> str:
    """Write a `WHEN label THEN value` for each member of an Enum; `constant` writes a value in SQL."""
    return " ".join(f"WHEN {quoted(label)} THEN {constant(value)}" for label, value in type_.members)
