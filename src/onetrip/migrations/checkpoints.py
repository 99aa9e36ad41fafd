"""How far data migrations came, kept in the database: each batch notes its last row in the transaction that did it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel.sql.sqltypes import UTCDateTime

from onetrip.errors import ConfigurationError
from onetrip.sql.dialects.clock import database_time

TABLE = "onetrip_data_migration"
"""The table of checkpoints: made by the first run of a data migration, and part of no revision."""

Key = tuple[Any, ...]
"""The values of a primary key."""

_table = sa.Table(
    TABLE,
    sa.MetaData(),
    sa.Column("revision", sa.String(255), primary_key=True),
    sa.Column("position", sa.Text),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("started_at", UTCDateTime(), nullable=False, server_default=database_time()),
    sa.Column("finished_at", UTCDateTime()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a data migration came: the key of its last row, the rows that are done, and whether those are all."""

    revision: str
    key: Key | None = None
    done: int = 0
    finished: bool = False


def prepare(connection: sa.Connection) -> None:
    """Make the table where it is missing."""
    _table.create(connection, checkfirst=True)


def read(connection: sa.Connection) -> Mapping[str, Checkpoint]:
    """Read the checkpoints of a database, by revision."""
    if not sa.inspect(connection).has_table(TABLE):
        return {}
    return {
        row.revision: Checkpoint(
            revision=row.revision, key=_read_key(row.position), done=row.done, finished=row.finished_at is not None
        )
        for row in connection.execute(sa.select(_table))
    }  # fmt: skip


def begin(connection: sa.Connection, revision: str) -> Checkpoint:
    """Note that a data migration begins."""
    connection.execute(_table.insert().values(revision=revision, done=0))
    return Checkpoint(revision=revision)


def restart(connection: sa.Connection, known: Checkpoint) -> Checkpoint:
    """Note that a data migration begins anew, because there are rows for it again: those that it did still count."""
    begun = _table.update().where(_table.c.revision == known.revision).values(position=None, finished_at=None)
    connection.execute(begun)
    return replace(known, key=None, finished=False)


def forget(connection: sa.Connection, revision: str) -> None:
    """Forget that a data migration ever began."""
    connection.execute(_table.delete().where(_table.c.revision == revision))


def advance(connection: sa.Connection, before: Checkpoint, after: Checkpoint) -> None:
    """Go from one checkpoint to the next. Raises `ConfigurationError` when somebody else did meanwhile."""
    moved = connection.execute(
        _table.update()
        .where(_table.c.revision == before.revision, _table.c.done == before.done, _table.c.finished_at.is_(None))
        .values(
            position=None if after.key is None else write_key(after.key),
            done=after.done,
            finished_at=database_time() if after.finished else None,
        )
    )
    if moved.rowcount != 1:
        raise ConfigurationError("another process has run it meanwhile")


_KINDS: Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "uuid": (UUID, str, UUID),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "decimal": (Decimal, str, Decimal),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
}


def write_key(key: Key) -> str:
    """Write a key as JSON, from which it is read as the same values. Raises `ConfigurationError` for other types."""
    return json.dumps([_written(value) for value in key], ensure_ascii=False)


def _written(value: object) -> object:
    if isinstance(value, int | float | str):
        return value
    for name, (kind, write, _) in _KINDS.items():
        if type(value) is kind:
            return {name: write(value)}
    raise ConfigurationError(f"keys of the type {type(value).__name__} cannot be kept")


def _read_key(text: str | None) -> Key | None:
    return None if text is None else tuple(_value(each) for each in json.loads(text))


def _value(written: Any) -> object:
    if not isinstance(written, dict):
        return written
    [(name, text)] = written.items()
    return _KINDS[name][2](text)
