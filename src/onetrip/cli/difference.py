"""Tables as declared against tables as they are: the differences that a served resource would feel, in words.

Alembic finds them; indexes, constraints, defaults and comments are not looked at. Reads the catalogue only.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Dialect

from onetrip.schema.catalogue import SEARCHED

_PLUGINS = [f"alembic.autogenerate.{name}" for name in ("schemas", "tables", "types", "constraints")]


def differences(connection: sa.Connection, tables: Iterable[sa.Table]) -> list[str]:
    """Compare tables with those of a database; one sentence without a full stop each, none when nothing differs."""
    wanted = {(table.schema, table.name): table for table in tables}
    default = connection.dialect.default_schema_name
    names = {name for _, name in wanted}

    def is_compared(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema":
            return name is None or any(name == schema for schema, _ in wanted)
        return kind != "table" or name in names

    def is_reported(item: Any, name: str | None, kind: str, *_: Any) -> bool:
        return kind in ("table", "column") and not (kind == "column" and name == SEARCHED)

    schemas = any(schema not in (None, default) for schema, _ in wanted)
    context = MigrationContext.configure(
        connection,
        opts={
            "include_name": is_compared, "include_object": is_reported, "compare_type": True,
            "autogenerate_plugins": _PLUGINS, "include_schemas": schemas,
        },
    )  # fmt: skip
    metadata = list(dict.fromkeys(table.metadata for table in wanted.values()))
    inspector = sa.inspect(connection)
    lines = []
    for change in _flat(compare_metadata(context, metadata)):  # type: ignore[arg-type]
        kind, *details = change
        if kind == "add_table":
            table = details[0]
            if (table.schema, table.name) in wanted and not inspector.has_table(table.name, schema=table.schema):
                lines.append(f"the table '{table.fullname}' is missing")
        elif kind != "remove_table" and (details[0], details[1]) in wanted:
            lines += _column(kind, details, wanted[details[0], details[1]], connection.dialect)
    return lines


def _flat(changes: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Alembic lists the changes of one column together."""
    for change in changes:
        if isinstance(change, list):
            yield from change
        else:
            yield change


def _column(kind: str, details: list[Any], table: sa.Table, dialect: Dialect) -> Iterator[str]:
    if kind == "add_column":
        yield f"'{table.fullname}.{details[2].name}' is missing"
    elif kind == "remove_column":
        yield f"'{table.fullname}.{details[2].name}' is in the database only"
    elif kind == "modify_type":
        there, here = (type_.compile(dialect=dialect) for type_ in details[-2:])
        yield f"'{table.fullname}.{details[2]}' is {there} in the database, {here} in the code"
    elif kind == "modify_nullable" and details[2] not in table.primary_key.columns:  # SQLite calls keys nullable
        there, here = ("may be NULL" if nullable else "is NOT NULL" for nullable in details[-2:])
        yield f"'{table.fullname}.{details[2]}' {there} in the database, {here} in the code"
