"""Driver errors → `Violation`: what a write broke of that which the database enforces.

Told by code and by the names that come with it, never by a message: those are translated, and change. SQLite alone
gives names only in its messages; they are made in one place of its source each, are not translated, and are read here.
Knows asyncpg, psycopg and sqlite3, bare or wrapped by SQLAlchemy, and imports no driver that is optional.
"""

import re
import sqlite3
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import DBAPIError

Kind = Literal[
    "unique", "foreign_key", "check", "not_null", "exclusion", "too_long", "out_of_range", "invalid", "repeated",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Violation:
    """What a write broke, as far as the database says: the name of the rule, its table, its columns.

    `schema` is where PostgreSQL found the table. All of these are names of the database's, and no answer shows them.
    """

    kind: Kind
    constraint: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()
    schema: str | None = None


SQLSTATES: dict[str, Kind] = {
    "21000": "repeated",  # ON CONFLICT met one row twice
    "22001": "too_long",
    "22003": "out_of_range",
    "22008": "out_of_range",  # datetime_field_overflow
    "23000": "check",
    "23001": "foreign_key",  # restrict_violation, what ON DELETE RESTRICT says since PostgreSQL 18
    "23502": "not_null",
    "23503": "foreign_key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
    "44000": "check",  # of a view
    "54000": "too_long",  # for an index, whose name comes with it
    "P0001": "check",  # RAISE in a trigger
}
"""What a code of PostgreSQL means (https://www.postgresql.org/docs/current/errcodes-appendix.html).

Every other code of class 22 is `invalid`.
"""

SQLITE_CODES: dict[int, Kind] = {
    sqlite3.SQLITE_TOOBIG: "out_of_range",  # also a sum of ours
    sqlite3.SQLITE_MISMATCH: "invalid",
    sqlite3.SQLITE_CONSTRAINT: "check",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "not_null",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "unique",
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: "check",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "unique",
    sqlite3.SQLITE_CONSTRAINT | 12 << 8: "invalid",  # SQLITE_CONSTRAINT_DATATYPE, which Python 3.11 has no name for
}
"""What an extended code of SQLite means (https://www.sqlite.org/rescode.html)."""

# sqlite3UniqueConstraint in insert.c: `index 'name'` for an index over expressions, else `table.column, table.column`;
# sqlite3GenerateConstraintChecks: the name of a check, the column that is null.
_NAMED = re.compile(r"(?:UNIQUE|NOT NULL|CHECK) constraint failed: (?:index '(?P<index>.*)'|(?P<name>.*))", re.DOTALL)
_RESTRICTED = "FOREIGN KEY constraint failed"  # fkey.c makes a trigger of RESTRICT, which says this


def violation(error: BaseException) -> Violation | None:
    """Say what a write broke; `None` when the error is not about what was written."""
    raised = driver_error(error)
    if isinstance(raised, sqlite3.Error):
        return _of_sqlite(raised)
    if isinstance(raised, OverflowError) or isinstance(raised.__cause__, OverflowError):  # a driver refused to send it
        return Violation("out_of_range")
    state = getattr(raised, "sqlstate", None)
    if state is None:
        data = any(kind.__name__ == "DataError" for kind in type(raised).__mro__)  # PEP 249: psycopg's, for NUL
        return Violation("invalid") if data or isinstance(raised, UnicodeEncodeError) else None
    kind = kind_of_state(state)
    if kind is None:
        return None
    facts = getattr(raised, "diag", raised)  # psycopg keeps apart what asyncpg has on the error itself
    column = getattr(facts, "column_name", None)
    return Violation(
        kind,
        constraint=getattr(facts, "constraint_name", None),
        table=getattr(facts, "table_name", None),
        columns=(column,) if column else (),
        schema=getattr(facts, "schema_name", None),
    )


def kind_of_state(sqlstate: str) -> Kind | None:
    """Say what a code of PostgreSQL means for a write, `None` when it is not about what was written."""
    return SQLSTATES.get(sqlstate) or ("invalid" if sqlstate.startswith("22") else None)


def kind_of_code(code: int) -> Kind | None:
    """Say what an extended code of SQLite means for a write, `None` when it is not about what was written."""
    return SQLITE_CODES.get(code) or SQLITE_CODES.get(code & 0xFF)


def driver_error(error: BaseException) -> BaseException:
    """Find the error of the driver in that of SQLAlchemy, whose adapter for asyncpg makes one of its own between."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    inner = error.orig.__cause__
    adapted = inner is not None and type(error.orig).__module__.startswith("sqlalchemy.")
    return inner if adapted else error.orig  # type: ignore[return-value]


def _of_sqlite(error: sqlite3.Error) -> Violation | None:
    code = getattr(error, "sqlite_errorcode", None)
    message = str(error)
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER and message == _RESTRICTED:
        return Violation("foreign_key")
    kind = None if code is None else kind_of_code(code)
    if kind is None:
        return None
    told = _NAMED.fullmatch(message) if code != sqlite3.SQLITE_CONSTRAINT_TRIGGER else None
    if told is None:
        return Violation(kind)
    if told["index"] is not None:
        return Violation(kind, constraint=told["index"].replace("''", "'"))
    if kind == "check":
        return Violation(kind, constraint=told["name"])
    # Names may hold dots and commas and are not quoted. Whatever is taken for the table here, the columns are so many
    # that all of it joined again is what SQLite said; `http.conflicts` compares that.
    table, _, columns = told["name"].partition(".")
    return Violation(kind, table=table, columns=tuple(columns.split(f", {table}.")))
