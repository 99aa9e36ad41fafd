"""Alembic's copies of tables, watched: what would be lost with the old table is carried over to the new one.

A copy is `CREATE TABLE _alembic_tmp_t`, INSERT, `DROP TABLE t`, `ALTER TABLE _alembic_tmp_t RENAME TO t`, then the
indexes that reflection saw. Whatever a revision says itself, as DROP TRIGGER, stays its own word.
"""

import re
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.operations.batch import ApplyBatchImpl

from onetrip.errors import ConfigurationError
from onetrip.migrations.guard.definition import keep
from onetrip.migrations.guard.words import quoted_plainly, without_values

TEMPORARY = "_alembic_tmp_"
"""How the name of a copy begins."""

_NAME = r"(?:\"(?P<{0}q>(?:[^\"]|\"\")+)\"|(?P<{0}>[\w$]+))"
_CREATE = re.compile(rf"\s*CREATE TABLE {_NAME.format('new')}", re.IGNORECASE)
_INSERT = re.compile(rf"\s*INSERT INTO {_NAME.format('new')}", re.IGNORECASE)
_RENAME = re.compile(rf"\s*ALTER TABLE {_NAME.format('old')} RENAME TO {_NAME.format('new')}\s*$", re.IGNORECASE)
_INDEX = re.compile(
    rf"\s*CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?{_NAME.format('index')} ON {_NAME.format('table')}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Old:
    """What a table had before it was copied: texts by name, and what reflection made of its indexes."""

    triggers: Mapping[str, str]
    indexes: Mapping[str, str]
    reflected: Mapping[str, tuple[object, ...]]
    sequence: int | None


class Copying:
    """Watches the statements of one revision."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.open: dict[str, str] = {}  # the table by its copy
        self.old: dict[str, _Old] = {}
        self.copied: set[str] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what the connection executes; Alembic's warnings about what it loses are not true then."""
        listeners = (("before_cursor_execute", self.before), ("after_cursor_execute", self.after))
        dialect: Any = self.connection.dialect
        told = dialect._get_table_sql
        dialect._get_table_sql = lambda *given, **options: quoted_plainly(told(*given, **options) or "")
        for event, listener in listeners:
            sa.event.listen(self.connection, event, listener, retval=event.startswith("before"))
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
                warnings.filterwarnings("ignore", "Unnamed CHECK constraint on reflected table")
                yield
        finally:
            del dialect._get_table_sql
            for event, listener in listeners:
                sa.event.remove(self.connection, event, listener)
            self.raw.execute("PRAGMA legacy_alter_table=OFF")

    @property
    def raw(self) -> sqlite3.Connection:
        """The driver's connection: what is executed on it is not watched."""
        return self.connection.connection.dbapi_connection  # type: ignore[return-value]

    def before(self, _: object, __: object, statement: str, parameters: Any, *___: object) -> tuple[str, Any]:
        """Look at a statement before it is executed, and make it another one where it would lose something."""
        created, renamed = _CREATE.match(statement), _RENAME.match(statement)
        if created and _found(created, "new").startswith(TEMPORARY):
            statement = self._copy(_found(created, "new"), statement)
        elif renamed and _found(renamed, "old") in self.open:
            # Views and triggers that name the table are not to be read while it is away.
            self.raw.execute("PRAGMA legacy_alter_table=ON")
        elif (inserted := _INSERT.match(statement)) and (copy := _found(inserted, "new")) in self.open:
            asked = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)"
            if computed := {name for (name,) in self.raw.execute(asked, (copy,))}:
                statement = without_values(statement, computed)
        return statement, parameters

    def after(self, _: object, __: object, statement: str, *___: object) -> None:
        """Bring back what went with a table, as soon as its copy has its name."""
        renamed, index = _RENAME.match(statement), _INDEX.match(statement)
        if renamed and _found(renamed, "old") in self.open:
            self.raw.execute("PRAGMA legacy_alter_table=OFF")
            del self.open[_found(renamed, "old")]
            self._restore(_found(renamed, "new"))
        elif renamed and _found(renamed, "old") in self.copied:
            self.copied.remove(_found(renamed, "old"))
            self.copied.add(_found(renamed, "new"))
        elif index and _found(index, "table") in self.old:
            self._restore_index(_found(index, "table"), _found(index, "index"))

    def _copy(self, copy: str, statement: str) -> str:
        """Remember a table that is about to be copied, and answer how its copy is to be made."""
        tables = self.raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        named = [(name, sql) for name, sql in tables if ApplyBatchImpl._calc_temp_name(name) == copy]
        if len(named) != 1:
            names = " and ".join(name for name, _ in named) or copy
            raise ConfigurationError(f"Alembic's copies of {names} have one name: give the tables shorter names.")
        table, sql = named[0]
        if not self.open and table in self.old:
            del self.old[table]
        self.open[copy] = table
        self.copied.add(table)
        seen = {str(check["name"]) for check in sa.inspect(self.connection).get_check_constraints(table)}
        self.old[table] = _Old(
            self._texts("trigger", table), self._texts("index", table), self._reflected(table), self._sequence(table)
        )
        return keep(table, sql, statement, seen)

    def _texts(self, kind: str, table: str) -> dict[str, str]:
        found = self.raw.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = ? AND lower(tbl_name) = lower(?) AND sql IS NOT NULL",
            (kind, table),
        )
        return dict(found.fetchall())

    def _reflected(self, table: str) -> dict[str, tuple[object, ...]]:
        """Answer what Alembic knows of each index: where that stays the same, nobody meant to change it."""
        found: dict[str, tuple[object, ...]] = {}
        for each in sa.inspect(self.connection).get_indexes(table):
            options = sorted((name, str(value)) for name, value in each.get("dialect_options", {}).items())
            found[str(each["name"])] = (tuple(each["column_names"]), each["unique"], tuple(options))
        return found

    def _sequence(self, table: str) -> int | None:
        if not self.raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            return None
        row = self.raw.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return row[0] if row else None

    def _restore(self, table: str) -> None:
        old = self.old[table]
        for name, sql in old.triggers.items():
            self._execute(table, f"trigger '{name}'", sql)
        for name, sql in old.indexes.items():
            if name not in old.reflected:
                self._execute(table, f"index '{name}'", sql)
        if old.sequence is not None and self._sequence(table) is not None:
            self.raw.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (old.sequence, table))

    def _restore_index(self, table: str, index: str) -> None:
        old = self.old[table]
        if index not in old.reflected or self._reflected(table).get(index) != old.reflected[index]:
            return
        if _plain(self._texts("index", table)[index]) != _plain(old.indexes[index]):
            self.raw.execute(f'DROP INDEX "{index.replace(chr(34), chr(34) * 2)}"')
            self._execute(table, f"index '{index}'", old.indexes[index])

    def _execute(self, table: str, what: str, sql: str) -> None:
        try:
            self.raw.execute(sql)
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"The {what} of the table '{table}' does not fit its new form: {error}. Drop it in this revision "
                "before, and make a new one after."
            ) from error


def _found(match: re.Match[str], group: str) -> str:
    quoted: str | None = match[f"{group}q"]
    return match[group] if quoted is None else quoted.replace('""', '"')


def _plain(sql: str) -> str:
    """Write the text of an index without what does not matter."""
    return re.sub(r"[\s\"`\[\]]+", "", sql).lower()
