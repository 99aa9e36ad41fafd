"""What must be as it was after a revision on SQLite: a backup before it, checks after it, in the same transaction."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from onetrip.errors import ConfigurationError
from onetrip.migrations.guard.copying import TEMPORARY, Copying

_CHANGE = re.compile(
    r"\s*(?:INSERT(?: OR \w+)? INTO|REPLACE INTO|UPDATE(?: OR \w+)?|DELETE FROM|DROP TABLE(?: IF EXISTS)?|ALTER TABLE"
    r"|WITH)\s+[\"`\[]?(?P<name>[\w$]+)",
    re.IGNORECASE,
)
_OWN = ("alembic_version", "onetrip_revision")


@dataclass(frozen=True, slots=True)
class _State:
    """What is compared: rows by table, rows that refer to nothing, and what can be prepared."""

    rows: Mapping[str, int]
    dangling: Mapping[tuple[str, str, int], int]
    broken: Mapping[str, str]
    triggers: bool


def backup_file(database: Path, revision: str) -> Path:
    """Say where the copy of a database is kept that is made before a revision runs."""
    return database.with_name(f"{database.name}.before-{revision}")


def backup(database: Path, revision: str) -> Path:
    """Copy a database, whole or not at all. Raises `ConfigurationError` when there is no room for it.

    Called while the migration's own connection keeps other writers out, so it is the very state that is migrated.
    """
    file = backup_file(database, revision)
    partial = file.with_name(file.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection,
            closing(sqlite3.connect(partial)) as copy,
        ):
            connection.backup(copy)  # page by page: VACUUM INTO fails on some tables with computed columns
        partial.replace(file)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise ConfigurationError(
            f"The backup '{file}' cannot be written: {error}. Nothing was changed; make room beside the database, "
            "or give --no-backup."
        ) from error
    return file


def is_empty(connection: sa.Connection) -> bool:
    """Say whether a database has no tables but those that say at which revision it is."""
    raw: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    return not set(_names(raw, "table")) - set(_OWN)


@contextmanager
def foreign_keys_off(connection: sa.Connection) -> Iterator[None]:
    """Keep rows that refer to a table while it is copied. SQLite takes this outside of transactions only."""
    assert not connection.in_transaction()
    raw: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    (before,) = raw.execute("PRAGMA foreign_keys").fetchone()
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute(f"PRAGMA foreign_keys={before}")


@contextmanager
def guarded(connection: sa.Connection) -> Iterator[None]:
    """Run a revision, in the transaction that is open. Raises `ConfigurationError` for whatever it would have lost."""
    copying = Copying(connection)
    for name in _names(copying.raw, "table"):
        if name.startswith(TEMPORARY):
            copying.raw.execute(f"DROP TABLE {_quoted(name)}")
    before, touched = _read(copying.raw), set[str]()

    def executed(_: object, __: object, statement: str, *___: object) -> None:
        change = _CHANGE.match(statement)
        if change and not change["name"].startswith(TEMPORARY) and change["name"] not in copying.open.values():
            touched.add("" if statement.lstrip()[:4].upper() == "WITH" else change["name"].lower())

    sa.event.listen(connection, "before_cursor_execute", executed)
    try:
        with copying.watched():
            yield
    finally:
        sa.event.remove(connection, "before_cursor_execute", executed)
    if connection.in_transaction():
        _compare(before, _read(copying.raw), touched)
        for table in copying.copied & set(_names(copying.raw, "table")):  # it may have been dropped after all
            _check_integrity(copying.raw, table)


def _read(raw: sqlite3.Connection) -> _State:
    tables = [name for name in _names(raw, "table") if name not in _OWN]
    rows = {name: raw.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0] for name in tables}  # noqa: S608
    try:
        dangling = Counter((row[0], row[2], row[3]) for row in raw.execute("PRAGMA foreign_key_check"))
    except sqlite3.OperationalError:  # a foreign key to columns that are not unique
        dangling = Counter()
    return _State(rows, dangling, _broken(raw, tables), bool(_names(raw, "trigger")))


def _broken(raw: sqlite3.Connection, tables: list[str]) -> dict[str, str]:
    """Prepare a read of each view, and a write to each table, which reads its triggers too: what fails, and why."""
    asked = {f"view '{name}'": [f"SELECT * FROM {_quoted(name)}"] for name in _names(raw, "view")}  # noqa: S608
    having = {row[0] for row in raw.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'")}
    for table in tables:
        if table in having:
            name = raw.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchone()[0]
            changed, column = _quoted(table), _quoted(name)
            asked[f"table '{table}' with its triggers"] = [
                f"INSERT INTO {changed} DEFAULT VALUES",
                f"DELETE FROM {changed}",  # noqa: S608
                f"UPDATE {changed} SET {column} = {column}",  # noqa: S608
            ]
    broken = {}
    for what, statements in asked.items():
        for statement in statements:
            try:
                raw.execute(f"EXPLAIN {statement}").fetchall()
            except sqlite3.Error as error:
                broken[what] = str(error)
    return broken


def _compare(before: _State, after: _State, touched: set[str]) -> None:
    for what, why in after.broken.items():
        if what not in before.broken:
            raise ConfigurationError(
                f"The {what} would not work any more: {why}. Drop it in this revision before, and make a new one after."
            )
    for (table, parent, number), rows in after.dangling.items():
        if rows > before.dangling.get((table, parent, number), 0):
            raise ConfigurationError(
                f"{rows} rows of '{table}' would refer to rows of '{parent}' that are not there. A revision deletes "
                "nothing along with a row: delete or change those rows in it first."
            )
    if after.triggers and touched:  # the triggers of a change may change other tables
        return
    for table, rows in before.rows.items():
        if table.lower() not in touched and "" not in touched and after.rows.get(table, rows) != rows:
            raise ConfigurationError(
                f"The table '{table}' would have {after.rows[table]:,} rows instead of {rows:,}, and the revision "
                "does not say so."
            )


def _check_integrity(raw: sqlite3.Connection, table: str) -> None:
    for (found,) in raw.execute(f"PRAGMA integrity_check({_quoted(table)})"):
        if found != "ok":
            raise ConfigurationError(f"The table '{table}' would not be whole: {found}.")


def _names(raw: sqlite3.Connection, kind: str) -> list[str]:
    found = raw.execute(
        "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        (kind,),
    )
    return [name for (name,) in found]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
