"""A column that must not be NULL, on a table that may have rows: what these rows get.

The value stands in the model (`default=`) or is said (`--fill`). A new column is added with it as its default, which
neither database writes the rows for, and loses the default again: the model has none. One that was there is filled by a
data migration, batch by batch, which the revision needs that forbids NULL.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.engine import Dialect

from onetrip.errors import ConfigurationError
from onetrip.migrations.compare.operations import escaped
from onetrip.migrations.data.write import Fill
from onetrip.migrations.generate.choices import Choices
from onetrip.migrations.generate.operations import DropDefault, FillRows, Statement, grouped
from onetrip.migrations.generate.renames import qualified

Defaults = dict[tuple[str | None, str], sa.Table]
"""The tables of the models, by schema and name."""


def fill(
    operations: Iterable[ops.MigrateOperation], choices: Choices, models: Defaults, dialect: Dialect
) -> Iterator[ops.MigrateOperation]:
    """Answer operations that also work on a table with rows. Raises `ConfigurationError` where a value is missing."""
    for operation in operations:
        if not isinstance(operation, ops.ModifyTableOps):
            yield operation
            continue
        model = models.get((operation.schema, operation.table_name))
        before: list[ops.MigrateOperation] = []
        after: list[ops.MigrateOperation] = []
        inside: list[ops.MigrateOperation] = []
        for each in operation.ops:
            if isinstance(each, ops.AddColumnOp) and _needs_value(each.column):
                default = _value(each.schema, each.table_name, each.column, choices, dialect)
                before.append(_with_default(each, default))
                after.append(_without_default(each, default))
            else:
                if isinstance(each, ops.AlterColumnOp) and each.modify_nullable is False:
                    before += _update(each, model, choices, dialect)
                inside.append(each)
        yield from _split(operation, before, inside, after)


def _split(
    table: ops.ModifyTableOps, before: list[Any], inside: list[Any], after: list[Any]
) -> Iterator[ops.MigrateOperation]:
    """Add columns first: within one copy of a SQLite table they would have no values."""
    added = [each for each in before if not isinstance(each, FillRows | Statement)]
    if added:
        yield grouped(added, table)
    yield from (each for each in before if isinstance(each, FillRows | Statement))
    if after or inside:
        yield grouped([*after, *inside], table)


def _needs_value(column: sa.Column[Any]) -> bool:
    """Say whether a new row must have a value, and the database has none."""
    return not column.nullable and column.server_default is None and column.computed is None and column.identity is None


def _with_default(operation: ops.AddColumnOp, default: str) -> ops.AddColumnOp:
    column = operation.column._copy()
    column.server_default = sa.DefaultClause(sa.text(escaped(default)))
    return ops.AddColumnOp(operation.table_name, column, schema=operation.schema)


def _without_default(operation: ops.AddColumnOp, default: str) -> DropDefault:
    before = sa.DefaultClause(sa.text(escaped(default)))
    return DropDefault(
        operation.table_name, operation.column.name, schema=operation.schema, existing_type=operation.column.type,
        existing_nullable=False, existing_server_default=before, modify_server_default=None,
    )  # fmt: skip


def _update(
    operation: ops.AlterColumnOp, model: sa.Table | None, choices: Choices, dialect: Dialect
) -> Iterator[FillRows | Statement]:
    """Give the rows a value that have none, where one is known: else there must be none.

    Without a primary key there is nothing to go along in batches: one statement does it.
    """
    place = (qualified(operation.schema, operation.table_name), operation.column_name)
    column = None if model is None else model.columns.get(operation.column_name)
    if model is None or column is None or (place not in choices.fills and _scalar(column) is None):
        return
    value = _value(operation.schema, operation.table_name, column, choices, dialect)
    if key := tuple(each.name for each in model.primary_key.columns):
        yield FillRows(operation.table_name, Fill(
            schema=operation.schema, table=operation.table_name, key=key, column=column.name, value=value
        ))  # fmt: skip
        return
    quote = dialect.identifier_preparer
    table, name = quote.quote(operation.table_name), quote.quote(operation.column_name)
    if operation.schema:
        table = f"{quote.quote_schema(operation.schema)}.{table}"
    sql = f"UPDATE {table} SET {name} = {value} WHERE {name} IS NULL"  # noqa: S608  # names are quoted
    yield Statement(escaped(sql))


def apart(
    operations: Iterable[ops.MigrateOperation],
) -> tuple[list[Fill], list[ops.MigrateOperation], list[ops.MigrateOperation]]:
    """Split operations into what rows get, what is done before that, and what forbids NULL afterwards."""
    every = list(operations)
    fills = [each.fill for each in every if isinstance(each, FillRows)]
    filled = {(each.schema, each.table, each.column) for each in fills}
    before: list[ops.MigrateOperation] = []
    after: list[ops.MigrateOperation] = []
    for each in every:
        if isinstance(each, FillRows):
            continue
        if not isinstance(each, ops.ModifyTableOps):
            before.append(each)
            continue
        tight = [one for one in each.ops if _forbids(one, filled)]
        if rest := [one for one in each.ops if one not in tight]:
            before.append(grouped(rest, each))
        if tight:
            after.append(grouped(tight, each))
    return fills, before, after


def _forbids(operation: ops.MigrateOperation, filled: set[tuple[str | None, str, str]]) -> bool:
    """Say whether an operation forbids NULL in a column whose rows are filled."""
    return (
        isinstance(operation, ops.AlterColumnOp)
        and operation.modify_nullable is False
        and (operation.schema, operation.table_name, operation.column_name) in filled
    )


def _value(schema: str | None, table: str, column: sa.Column[Any], choices: Choices, dialect: Dialect) -> str:
    """Write the value that rows get as a literal. Raises `ConfigurationError` when there is none, or it cannot be."""
    place = qualified(schema, table), column.name
    given = choices.fills.get(place)
    value = _scalar(column) if given is None else _read(given, ".".join(place), column, choices)
    if value is None:
        raise ConfigurationError(
            f"'{'.'.join(place)}' must not be NULL, and rows that exist have no value for it: say "
            f"{choices.option('fill', '.'.join(place) + '=VALUE')}, or give the model a default."
        )
    try:
        made: Any = type(dialect)
        plain: Dialect = made(paramstyle="named")  # others write a percent sign twice
        compiled = sa.literal(value, column.type).compile(dialect=plain, compile_kwargs={"literal_binds": True})
    except (sa.exc.CompileError, NotImplementedError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The value of '{'.'.join(place)}' for rows that exist cannot be written as SQL: add the column as one "
            "that may be NULL, fill it, and change it then."
        ) from error
    return str(compiled)


def _scalar(column: sa.Column[Any]) -> Any:
    """Answer the default of a model, if it is one value."""
    default = column.default
    return default.arg if isinstance(default, sa.ColumnDefault) and default.is_scalar else None


def _read(text: str, place: str, column: sa.Column[Any], choices: Choices) -> Any:
    """Read a value from the command line as what the column holds."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return text
    if kind in (dict, list):
        kind = Any
    try:
        if kind is Any:
            return TypeAdapter(Any).validate_json(text)
        return TypeAdapter(kind).validate_strings(text)
    except ValidationError as error:
        raise ConfigurationError(
            f"{choices.option('fill', place)}: '{text}' is no {kind.__name__}: {error.errors()[0]['msg']}."
        ) from None
