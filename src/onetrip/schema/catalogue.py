"""Database → facts: what its catalogue says about each table, through SQLAlchemy's inspector.

Which tables there are and which of them can be served; columns, keys, uniqueness. Reads no rows, names nothing and maps
nothing. The few questions that the inspector does not answer are asked here, per dialect.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Inspector, Integer, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedForeignKeyConstraint, ReflectedIndex
from sqlalchemy.exc import SAWarning

Progress = Callable[[str, int, int], None]

SEARCHED = "onetrip_search"
"""A column that is ours, as the tables are that begin so: the words of a row, which are no content of it."""

_BATCH = 50
# What the inspector does not tell apart, per dialect: (schema, name, kind) of what only looks like a table.
_KINDS = {
    "sqlite": "PRAGMA table_list",
    "postgresql": """
        SELECT relnamespace, relname,
               CASE WHEN relispartition THEN 'partition' WHEN relkind = 'f' THEN 'foreign' ELSE 'view' END
        FROM pg_class
        WHERE (relispartition OR relkind IN ('f', 'm', 'v')) AND pg_table_is_visible(oid)
          AND relnamespace <> 'pg_catalog'::regnamespace
    """,
}
# What an integer column holds, whatever its type is called, where that is more than the type says.
_INTEGERS = {"sqlite": BigInteger()}
_PARTS = ("partition", "shadow")  # the storage of another table
_WITHOUT_KEY = {"view": "a view", "virtual": "a virtual table", "foreign": "a foreign table"}
_REMEDY = "write a class for it in a Python file, mark the columns that identify a row as primary_key, and serve that."
_NO_KEY = f"It has no primary key, so its rows have no address. Add one to the table, or {_REMEDY}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A table that is left out, whole or in part, and why."""

    table: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the catalogue says about one table."""

    columns: Sequence[ReflectedColumn]
    key: Sequence[str]
    foreign_keys: Sequence[ReflectedForeignKeyConstraint]
    indexes: Sequence[ReflectedIndex]

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [column["name"] for column in self.columns]

    @property
    def unique(self) -> list[tuple[str | None, list[str]]]:
        """Name and columns of what is unique over all rows: not partial, not over an expression."""
        return [
            (index["name"], [name for name in index["column_names"] if name is not None])
            for index in self.indexes
            if index["unique"]
            and None not in index["column_names"]
            and not any(option.endswith("_where") for option in index.get("dialect_options", {}))
        ]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a database holds: facts of the tables that can be served, every table that was read, and those refused."""

    tables: Mapping[str, Facts]
    known: Set[str]
    refused: Mapping[str, str]


def read(connection: Connection, progress: Progress) -> Catalogue:
    """Read the facts of every table that the connection sees without naming a schema."""
    inspector = inspect(connection)
    names, refused, parts = _tables(connection, inspector)
    facts = _read(inspector, names, parts, progress)
    objections = {table: reason for table in facts if (reason := _objection(facts[table]))}
    served = {table: facts[table] for table in facts if table not in objections}
    return Catalogue(served, facts.keys(), refused | objections)


def _tables(connection: Connection, inspector: Inspector) -> tuple[list[str], dict[str, str], set[str]]:
    """List the tables to look at, sorted; those that need no look, with the reason; and those that are part of one."""
    rows = connection.exec_driver_sql(_KINDS[connection.dialect.name])
    kinds = {name: kind for _, name, kind, *_ in rows if kind in _PARTS or kind in _WITHOUT_KEY}
    tables = sorted(name for name in inspector.get_table_names() if name not in kinds and not _of_a_tool(name))
    refused = {
        name: f"It is {_WITHOUT_KEY[kind]}, which has no primary key. To serve it, {_REMEDY}"
        for name, kind in kinds.items()
        if kind in _WITHOUT_KEY and not _of_a_tool(name)
    }
    return tables, refused, {name for name, kind in kinds.items() if kind in _PARTS}


def _of_a_tool(table: str) -> bool:
    return table == "alembic_version" or table.startswith(("onetrip_", "sqlite_"))


def _read(inspector: Inspector, names: Sequence[str], parts: Set[str], progress: Progress) -> dict[str, Facts]:
    """Read the facts of the tables, a batch at a time.

    A foreign key to a partitioned table is not taken again for each of its parts, as PostgreSQL repeats it.
    """
    facts: dict[str, Facts] = {}
    for start in range(0, len(names), _BATCH):
        batch = names[start : start + _BATCH]
        with warnings.catch_warnings():
            # A type that SQLAlchemy does not know is left as NullType: who reads the mapper decides what to make of it.
            warnings.simplefilter("ignore", SAWarning)
            columns = inspector.get_multi_columns(filter_names=batch)
            primary_keys = inspector.get_multi_pk_constraint(filter_names=batch)
            foreign_keys = inspector.get_multi_foreign_keys(filter_names=batch)
            # Not the unique constraints: on SQLite they are parsed out of the SQL text, with gaps, where the automatic
            # indexes are the whole truth; on PostgreSQL each one is an index anyway.
            indexes = inspector.get_multi_indexes(filter_names=batch, include_auto_indexes=True)
        for at in columns:
            columns[at][:] = [column for column in columns[at] if column["name"] != SEARCHED]
            for column in columns[at]:
                if isinstance(column["type"], Integer):
                    column["type"] = _INTEGERS.get(inspector.dialect.name, column["type"])
            whole = [stated for stated in foreign_keys[at] if stated["referred_table"] not in parts]
            facts[at[1]] = Facts(columns[at], primary_keys[at]["constrained_columns"], whole, indexes[at])
        progress("reading", start + len(batch), len(names))
    return dict(sorted(facts.items()))


def _objection(facts: Facts) -> str | None:
    """Give the reason, if any, why a table cannot be served."""
    if not facts.key:
        return _NO_KEY
    for name in facts.names:
        if name.startswith("_sa_") or (name.startswith("__") and name.endswith("__")):
            return f"Its column {name!r} has a name that Python or SQLAlchemy keeps for itself. Rename the column."
    return None
