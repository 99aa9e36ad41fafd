"""The indexes that searching needs: their operations in a script, and which of them a database lacks.

A script says what is searched, not how a database keeps it: `op.create_search_index("post", {"title": "A"}, …)`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops

from onetrip.migrations.compare.operations import escaped
from onetrip.schema.model import Search
from onetrip.sql.dialects.fts5 import FTS5, ROWIDS
from onetrip.sql.dialects.full_text import FullText
from onetrip.sql.dialects.tsvector import TSVector

OPTION = "onetrip_searches"
"""Where the `Search` of each table stands in the options of a context."""

_FULL_TEXT: Mapping[str, FullText] = {"postgresql": TSVector(), "sqlite": FTS5()}

Columns = Mapping[str, str | None] | Sequence[str]


@Operations.register_operation("create_search_index")
class CreateSearchIndexOp(ops.MigrateOperation):
    """The index of a table that is searched, made and filled; one that is there gives way.

    `key` are the columns of the primary key, `beside` those that are called as SQLite calls the number of a row.
    """

    def __init__(
        self, table_name: str, columns: Columns, *, language: str, key: Sequence[str], beside: Sequence[str] = (),
        schema: str | None = None,
    ) -> None:  # fmt: skip
        self.table_name, self.schema, self.language = table_name, schema, language
        self.columns: Mapping[str, str | None] = (
            dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns)
        )
        self.key, self.beside = tuple(key), tuple(beside)

    @classmethod
    def create_search_index(cls, operations: Operations, table_name: str, columns: Columns, **options: Any) -> None:
        """Make the index of a table that is searched."""
        operations.invoke(cls(table_name, columns, **options))

    @property
    def search(self) -> Search:
        """What is searched, with as much of the table as that needs."""
        names = dict.fromkeys((*self.key, *self.beside, *self.columns))
        table = sa.Table(
            self.table_name, sa.MetaData(), *(sa.Column(name, sa.Text, primary_key=name in self.key) for name in names),
            schema=self.schema,
        )  # fmt: skip
        columns = tuple((table.c[name], weight) for name, weight in self.columns.items())
        return Search(table=table, columns=columns, language=self.language)

    def reverse(self) -> "DropSearchIndexOp":
        """Take it away."""
        return DropSearchIndexOp(self.table_name, schema=self.schema, made=self)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Tell a person."""
        return ("create_search_index", self.schema, self.table_name, dict(self.columns))


@Operations.register_operation("drop_search_index")
class DropSearchIndexOp(ops.MigrateOperation):
    """The index of a table that is searched is dropped; nothing is lost with it. `made` makes it again."""

    def __init__(self, table_name: str, *, schema: str | None = None, made: CreateSearchIndexOp | None = None) -> None:
        self.table_name, self.schema, self.made = table_name, schema, made

    @classmethod
    def drop_search_index(cls, operations: Operations, table_name: str, *, schema: str | None = None) -> None:
        """Drop the index of a table that was searched."""
        operations.invoke(cls(table_name, schema=schema))

    def reverse(self) -> ops.MigrateOperation:
        """Make it again, where it is known how it was made."""
        return ops.OpContainer([]) if self.made is None else self.made

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Tell a person."""
        return ("drop_search_index", self.schema, self.table_name)


@Operations.implementation_for(CreateSearchIndexOp)
def _create(operations: Operations, operation: CreateSearchIndexOp) -> None:
    _run(operations, _full_text(operations).index(operation.search).create)


@Operations.implementation_for(DropSearchIndexOp)
def _drop(operations: Operations, operation: DropSearchIndexOp) -> None:
    table = sa.Table(operation.table_name, sa.MetaData(), schema=operation.schema)
    _run(operations, _full_text(operations).drop(table))


def _full_text(operations: Operations) -> FullText:
    return _FULL_TEXT[operations.migration_context.dialect.name]


def _run(operations: Operations, statements: Sequence[str]) -> None:
    for each in statements:
        operations.migration_context.impl.execute(sa.text(escaped(each)))


@renderers.dispatch_for(CreateSearchIndexOp)
def _render_create(context: AutogenContext, operation: CreateSearchIndexOp) -> str:
    weighted = any(operation.columns.values())
    columns = repr(dict(operation.columns) if weighted else list(operation.columns))
    beside = f", beside={list(operation.beside)!r}" if operation.beside else ""
    return (
        f"op.create_search_index({operation.table_name!r}, {columns}, language={operation.language!r}, "
        f"key={list(operation.key)!r}{beside}{_schema(operation)})"
    )


@renderers.dispatch_for(DropSearchIndexOp)
def _render_drop(context: AutogenContext, operation: DropSearchIndexOp) -> str:
    return f"op.drop_search_index({operation.table_name!r}{_schema(operation)})"


def _schema(operation: CreateSearchIndexOp | DropSearchIndexOp) -> str:
    return f", schema={operation.schema!r}" if operation.schema else ""


def changed(
    context: AutogenContext, script: Sequence[ops.MigrateOperation]
) -> tuple[list[DropSearchIndexOp], list[CreateSearchIndexOp]]:
    """Say which indexes go before a script changes its tables, and which come after that."""
    connection = context.connection
    assert connection is not None
    full_text = _FULL_TEXT[connection.dialect.name]
    first, last = [], []
    for search in context.opts.get(OPTION, ()):
        index, made = full_text.index(search), _made(search)
        state: str | None = connection.exec_driver_sql(index.state).scalar()
        if state == index.wanted and not any(_concerns(each, made, connection) for each in script):
            continue
        if state is not None:
            first.append(DropSearchIndexOp(made.table_name, schema=made.schema, made=_before(full_text, state, made)))
        last.append(made)
    return first, last


def _made(search: Search) -> CreateSearchIndexOp:
    table = search.table
    return CreateSearchIndexOp(
        table.name, {column.name: weight for column, weight in search.columns}, language=search.language,
        key=[column.name for column in table.primary_key], schema=table.schema,
        beside=[column.name for column in table.c if column.name.lower() in ROWIDS],
    )  # fmt: skip


def _before(full_text: FullText, state: str, made: CreateSearchIndexOp) -> CreateSearchIndexOp | None:
    """Tell how an index was made that is there."""
    found = full_text.described(state)
    if found is None:
        return None
    columns, language = found
    return CreateSearchIndexOp(
        made.table_name, columns, language=language, key=made.key, beside=made.beside, schema=made.schema
    )


def _concerns(operation: ops.MigrateOperation, made: CreateSearchIndexOp, connection: sa.Connection) -> bool:
    """Say whether an index is in the way: of a column that is searched, or of rows that get other numbers."""
    if not isinstance(operation, ops.ModifyTableOps):
        return False
    if (operation.schema, operation.table_name) != (made.schema, made.table_name):
        return False
    copied = connection.dialect.name == "sqlite" and any(_copies(each) for each in operation.ops)
    return copied or any(set(_columns(each)) & made.columns.keys() for each in operation.ops)


def _columns(operation: ops.MigrateOperation) -> Iterator[str]:
    """Name the columns that PostgreSQL does not change while another is computed from them."""
    if isinstance(operation, ops.DropColumnOp) or (
        isinstance(operation, ops.AlterColumnOp) and operation.modify_type is not None
    ):
        yield operation.column_name


def _copies(operation: ops.MigrateOperation) -> bool:
    """Say whether SQLite copies the table for it."""
    return not isinstance(operation, ops.AddColumnOp | ops.CreateIndexOp | ops.DropIndexOp)
