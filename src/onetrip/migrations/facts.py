"""What a live database knows that a script does not say: sizes, keys, what functions are, which checks hold.

Read from the catalogue, and from a table up to `SMALL` rows where its statistics say nothing.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from onetrip.migrations.snapshot.model import Name

SMALL = 10_000
"""Rows below which nothing takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts of a database, all unknown without one. `version` is PostgreSQL's number, as 160004.

    `functions` has for each name whether it may answer differently for each row; `not_null` the columns that a valid
    CHECK (… IS NOT NULL) covers; `indexed` the columns of each key and index; `keys` the first column of the key.
    """

    rows: Mapping[Name, int] = field(default_factory=dict)
    version: int | None = None
    functions: Mapping[str, bool] = field(default_factory=dict)
    not_null: frozenset[tuple[Name, str]] = frozenset()
    indexed: Mapping[Name, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    keys: Mapping[Name, str] = field(default_factory=dict)
    utc: bool | None = None

    def is_small(self, table: Name) -> bool:
        """Say whether a table is known to be small."""
        return self.rows.get(table, SMALL) < SMALL


UNKNOWN = Facts()


def read(connection: sa.Connection) -> Facts:
    """Read the facts of a database."""
    return _READERS[connection.dialect.name](connection)


_TABLES = """
SELECT nullif(n.nspname, current_schema()) AS schema, c.relname AS name, c.reltuples AS rows
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_INDEXES = """
SELECT nullif(n.nspname, current_schema()) AS schema, c.relname AS name, i.indisprimary AS is_key,
  array(SELECT a.attname::text FROM unnest(i.indkey::int[]) WITH ORDINALITY k(number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number ORDER BY k.place) AS columns
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND n.nspname !~ '^pg_'
"""
_CHECKS = """
SELECT nullif(n.nspname, current_schema()) AS schema, c.relname AS name, a.attname AS column
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
WHERE k.contype = 'c' AND k.convalidated AND cardinality(k.conkey) = 1
  AND pg_catalog.pg_get_constraintdef(k.oid) = 'CHECK ((' || quote_ident(a.attname) || ' IS NOT NULL))'
"""
_FUNCTIONS = "SELECT proname::text, bool_or(provolatile = 'v') FROM pg_catalog.pg_proc GROUP BY proname"
_ZONES = ("UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Zulu")


def _postgresql(connection: sa.Connection) -> Facts:
    run = connection.exec_driver_sql
    rows: dict[Name, int] = {}
    for schema, name, counted in run(_TABLES):
        rows[schema, name] = int(counted) if counted >= SMALL else _estimate(connection, (schema, name))
    indexed: dict[Name, set[tuple[str, ...]]] = {}
    keys: dict[Name, str] = {}
    for schema, name, is_key, columns in run(_INDEXES):
        indexed.setdefault((schema, name), set()).add(tuple(columns))
        if is_key and columns:
            keys[schema, name] = columns[0]
    return Facts(
        rows=rows,
        version=int(run("SHOW server_version_num").scalar_one()),
        functions={name: bool(volatile) for name, volatile in run(_FUNCTIONS)},
        not_null=frozenset(((schema, name), column) for schema, name, column in run(_CHECKS)),
        indexed={name: frozenset(columns) for name, columns in indexed.items()},
        keys=keys,
        utc=run("SHOW timezone").scalar_one() in _ZONES,
    )


def _estimate(connection: sa.Connection, table: Name) -> int:
    """Count a small table; of one without statistics, guess as the planner does, from the size of its file."""
    counted = _count(connection, table)
    if counted < SMALL:
        return counted
    query = sa.select(sa.literal(1)).select_from(sa.table(table[1], schema=table[0]))
    explain = f"EXPLAIN (FORMAT JSON) {query.compile(connection, compile_kwargs={'literal_binds': True})}"
    [found] = connection.exec_driver_sql(explain).scalar_one()
    return max(SMALL, int(found["Plan"]["Plan Rows"]))


def _sqlite(connection: sa.Connection) -> Facts:
    inspector = sa.inspect(connection)
    rows: dict[Name, int] = {}
    indexed: dict[Name, frozenset[tuple[str, ...]]] = {}
    keys: dict[Name, str] = {}
    for table in inspector.get_table_names():
        rows[None, table] = _count(connection, (None, table), 10**12)
        key = tuple(inspector.get_pk_constraint(table)["constrained_columns"])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression")
            found = {tuple(name or "" for name in index["column_names"]) for index in inspector.get_indexes(table)}
            found |= {tuple(unique["column_names"]) for unique in inspector.get_unique_constraints(table)}
        indexed[None, table] = frozenset(found | {key})
        if key:
            keys[None, table] = key[0]
    return Facts(rows=rows, indexed=indexed, keys=keys)


def _count(connection: sa.Connection, table: Name, limit: int = SMALL) -> int:
    """Count the rows of a table, up to a limit."""
    schema, name = table
    some = sa.select(sa.literal(1)).select_from(sa.table(name, schema=schema)).limit(limit).subquery()
    return int(connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


_READERS: Mapping[str, Callable[[sa.Connection], Facts]] = {"postgresql": _postgresql, "sqlite": _sqlite}
