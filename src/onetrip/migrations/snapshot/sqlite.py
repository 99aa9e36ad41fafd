"""A schema of SQLite, read from the statements that made it and from PRAGMAs: a few, however many tables there are.

Virtual tables, the tables that they keep their content in, SQLite's and Alembic's own are left out.
"""

import re
from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa

from onetrip.migrations.snapshot import sqlite_words
from onetrip.migrations.snapshot.model import Column, Index, Name, Snapshot, Table

_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
_VIRTUAL = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('virtual', 'shadow')"
_COLUMNS = """
    SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.hidden
    FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS x WHERE m.type = 'table' ORDER BY m.name, x.cid
"""
_GENERATED = (2, 3)


def read(connection: sa.Connection, schemas: Collection[str | None] = (None,)) -> Snapshot:
    """Read the database. There are no schemas beside the default one."""
    objects = connection.exec_driver_sql(_OBJECTS).all()
    left_out = set(connection.exec_driver_sql(_VIRTUAL).scalars())
    columns = defaultdict(list)
    for name, *column in connection.exec_driver_sql(_COLUMNS):
        columns[name].append(column)
    indexes: dict[str, list[Index]] = defaultdict(list)
    triggers: dict[str, dict[str, str]] = defaultdict(dict)
    for kind, name, table, sql in objects:
        if kind == "index":
            indexes[table].append(_index(name, sql, {column for column, *_ in columns[table]}))
        elif kind == "trigger":
            triggers[table][name] = sql
    tables: dict[Name, Table] = {}
    for kind, name, _, sql in objects:
        if kind != "table" or name in left_out or name == "alembic_version" or name.startswith("sqlite_"):
            continue
        said = sqlite_words.table(sql)
        tables[None, name] = Table(
            name=(None, name),
            columns=tuple(_column(said, *column) for column in columns[name]),
            constraints=tuple(sorted(said.constraints, key=lambda each: (each.kind, each.name or "", each.definition))),
            indexes=tuple(indexes[name]),
            triggers=triggers[name],
        )
    views: dict[Name, str] = {(None, name): sql for kind, name, _, sql in objects if kind == "view"}
    return Snapshot(tables=tables, views=views)


def _column(
    said: sqlite_words.Statement, name: str, kind: str, filled: int, default: str | None, hidden: int
) -> Column:
    alone = len([each for each in said.constraints if each.kind == "primary" and each.columns == (name,)])
    return Column(
        name=name,
        type=re.sub(r"\s*GENERATED ALWAYS$", "", kind),
        nullable=not filled,
        default=None if default is None else sqlite_words.expression(sqlite_words.tokens(default)),
        generated=said.generated.get(name) if hidden in _GENERATED else None,
        identity="AUTOINCREMENT" if said.numbered and alone else None,
        collation=_collation(said.collations.get(name)),
    )


def _collation(name: str | None) -> str | None:
    """Answer no collation for the one that columns have without any."""
    return None if name is None or name.upper() == "BINARY" else name


def _index(name: str, sql: str, columns: Collection[str]) -> Index:
    definition, names = sqlite_words.index(sql)
    found = tuple(dict.fromkeys(each for each in names if each in columns))
    unique = sqlite_words.tokens(sql)[1].upper() == "UNIQUE"
    return Index(name=name, definition=definition, columns=found, unique=unique)
