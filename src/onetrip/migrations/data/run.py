"""Works through data migrations, batch by batch along the primary key: each in a transaction, with its checkpoint.

Whoever runs again, also after this process was killed, goes on after the last batch that is in the database.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from onetrip.errors import ConfigurationError
from onetrip.migrations import checkpoints
from onetrip.migrations.checkpoints import Checkpoint, Key
from onetrip.migrations.connection import connected, reason
from onetrip.migrations.data.chain import DataMigration, read_chain
from onetrip.migrations.data.needed import is_left, read_needs
from onetrip.migrations.data.pace import Pace
from onetrip.migrations.history import current, read_history
from onetrip.migrations.layout import quoted
from onetrip.migrations.lock import locked
from onetrip.migrations.project import Project

LOCK = "data"
"""The name of the lock: revisions of the schema have another."""

_PASSING = ("55P03", "40P01", "40001")  # lock_not_available, deadlock_detected, serialization_failure
_LONGEST = 5.0  # seconds, between two tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What just happened to a data migration. `done` counts its rows so far, `left` those that were left at first."""

    kind: Literal["waiting", "begun", "batch", "again", "tried", "finished"]
    revision: str = ""
    title: str = ""
    done: int = 0
    left: int | None = None
    rows: int = 0
    place: str = ""
    why: str = ""
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How rows are changed, in seconds. `target` is how long a batch is to take; `counts`, to say how many are left."""

    pause: float = 0.05
    target: float = 0.2
    lock_wait: float = 60.0
    lock_timeout: float = 2.0
    retries: int = 10
    dry_run: bool = False
    counts: bool = False
    said: Callable[[Event], None] = field(default=lambda event: None)
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a data migration stands: how far it came, and whether the schema is far enough."""

    migration: DataMigration
    checkpoint: Checkpoint | None
    possible: bool

    @property
    def finished(self) -> bool:
        """Whether all rows are done."""
        return self.checkpoint is not None and self.checkpoint.finished


def status(project: Project) -> tuple[Status, ...]:
    """Say where each data migration stands, the first one first. Raises `ConfigurationError`."""
    chain = read_chain(project)
    with connected(project.url, reads=True) as connection:
        known, applied = checkpoints.read(connection), _applied(project, connection)
    return tuple(
        Status(
            migration=each, checkpoint=known.get(each.revision),
            possible=each.depends_on is None or each.depends_on in applied,
        )
        for each in chain
    )  # fmt: skip


def run(project: Project, options: Options | None = None, only: Collection[str] | None = None) -> tuple[str, ...]:
    """Run the data migrations that are not finished, and answer those that are now; with `dry_run`, try one batch.

    One that is finished begins anew when a revision that is pending needs it and there are rows for it again. Of
    `only` some, no others are run. Raises `ConfigurationError` for the first that cannot be run: its last batch is
    rolled back, all before it stay.
    """
    options, chain = options or Options(), read_chain(project)
    needs = read_needs(project, project.script())
    finished: list[str] = []
    with (
        connected(project.url) as connection,
        locked(project.url, connection, options.lock_wait, lambda: options.said(Event(kind="waiting")), LOCK),
    ):
        _set_timeout(connection, options)
        with connection.begin():
            if not options.dry_run:
                checkpoints.prepare(connection)
            known, applied = checkpoints.read(connection), _applied(project, connection)
        needed = {each.revision for name, wanted in needs.items() if name not in applied for each in wanted}
        for each in chain if only is None else (each for each in chain if each.revision in only):
            checkpoint = known.get(each.revision)
            if checkpoint is not None and checkpoint.finished:
                if each.revision not in needed or not _again(connection, each, checkpoint):
                    continue
                checkpoint = _restarted(connection, checkpoint, options)
            if each.depends_on is not None and each.depends_on not in applied:
                raise ConfigurationError(
                    f"Data migration {each.revision} ({each.title}) needs revision {each.depends_on} of the schema, "
                    "which this database does not have: run 'onetrip db up' first."
                )
            _Runner(connection, options, each).run(checkpoint)
            if options.dry_run:
                break
            finished.append(each.revision)
    return tuple(finished)


def _again(connection: sa.Connection, migration: DataMigration, checkpoint: Checkpoint) -> bool:
    with connection.begin():
        return is_left(connection, migration, checkpoint)


def _restarted(connection: sa.Connection, checkpoint: Checkpoint, options: Options) -> Checkpoint:
    if options.dry_run:
        return replace(checkpoint, key=None, finished=False)
    with connection.begin():
        return checkpoints.restart(connection, checkpoint)


def _applied(project: Project, connection: sa.Connection) -> frozenset[str]:
    """Name the revisions of the schema that a database has."""
    script, heads = project.script(), current(connection)
    read_history(script).refuse_unknown(heads)
    return frozenset(each.revision for head in heads for each in script.iterate_revisions(head, "base"))


def _set_timeout(connection: sa.Connection, options: Options) -> None:
    """Let no batch wait for a lock for long: whoever wants its rows waits behind it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout = {round(options.lock_timeout * 1000)}")
        connection.commit()


class _Runner:
    """Runs one data migration while the lock is held."""

    def __init__(self, connection: sa.Connection, options: Options, migration: DataMigration) -> None:
        self.connection, self.options, self.migration = connection, options, migration
        self.table = migration.table
        with connection.begin():
            self.key = _key_of(connection, migration)
        self.place = ""  # what is being done, for people
        self.event = Event(kind="begun", revision=migration.revision, title=migration.title)

    def run(self, known: Checkpoint | None) -> None:
        """Go on where it was left, until there are no more rows."""
        checkpoint = known or Checkpoint(revision=self.migration.revision)
        options, said = self.options, self.options.said
        left = self._count(checkpoint) if options.counts or options.dry_run else None
        said(replace(self.event, done=checkpoint.done, left=left))
        if options.dry_run:
            self._try(checkpoint, left)
            return
        if known is None:
            with self.connection.begin():
                checkpoint = checkpoints.begin(self.connection, self.migration.revision)
        pace = Pace(self.migration.batch_size, options.target)
        while not checkpoint.finished:
            before, start = checkpoint, options.clock()
            checkpoint = self._insist(checkpoint, pace.size)
            if checkpoint.finished:
                break
            rows = checkpoint.done - before.done
            said(replace(self.event, kind="batch", done=checkpoint.done, rows=rows, place=self.place))
            if rows == pace.size:  # the last one is small, and says nothing of how long a full one takes
                pace = pace.after(options.clock() - start)
            time.sleep(options.pause)
        said(replace(self.event, kind="finished", done=checkpoint.done))

    def _try(self, checkpoint: Checkpoint, left: int | None) -> None:
        """Do one batch, take it back, and say which statements it was."""
        statements: list[str] = []

        def executed(_: object, __: object, statement: str, *___: object) -> None:
            statements.append(" ".join(statement.split()))

        with self._explained(checkpoint), self.connection.begin() as transaction:
            sa.event.listen(self.connection, "before_cursor_execute", executed)
            try:
                after = self._change(checkpoint, self.migration.batch_size)
            finally:
                sa.event.remove(self.connection, "before_cursor_execute", executed)
            transaction.rollback()
        self.options.said(replace(
            self.event, kind="tried", done=checkpoint.done, left=left, rows=after.done - checkpoint.done,
            place=self.place, statements=tuple(dict.fromkeys(statements[1:])),
        ))  # fmt: skip

    def _insist(self, checkpoint: Checkpoint, size: int) -> Checkpoint:
        """Do one batch, again when somebody else was in its way."""
        for attempt in range(self.options.retries + 1):
            with self._explained(checkpoint):
                try:
                    with self.connection.begin():
                        after = self._change(checkpoint, size)
                        checkpoints.advance(self.connection, checkpoint, after)
                    return after
                except DBAPIError as error:
                    if not _passes(error) or attempt == self.options.retries:
                        raise
                    self.options.said(replace(self.event, kind="again", place=self.place, why=reason(error)))
            time.sleep(min(0.1 * 2**attempt, _LONGEST) * random.uniform(0.5, 1.5))
        raise AssertionError

    def _change(self, checkpoint: Checkpoint, size: int) -> Checkpoint:
        """Change the next rows, and answer where that leads."""
        self.place = ""
        query = (
            sa.select(self.table).where(*self._after(checkpoint.key)).order_by(*self._columns()).limit(size)
            .with_for_update(key_share=True)
        )  # fmt: skip
        rows = self.connection.execute(query).all()
        if not rows:
            return replace(checkpoint, finished=True)
        first, last = self._key(rows[0]), self._key(rows[-1])
        self.place = f"{self._shown(first)} to {self._shown(last)}"
        chosen = sa.and_(self._compared(first, ">="), self._compared(last, "<="), *self._where())
        self.migration.batch(self.connection, rows, chosen)
        return replace(checkpoint, key=last, done=checkpoint.done + len(rows))

    def _count(self, checkpoint: Checkpoint) -> int:
        with self.connection.begin():
            counted = sa.select(sa.func.count()).select_from(self.table).where(*self._after(checkpoint.key))
            return int(self.connection.scalar(counted) or 0)

    # Conditions

    def _columns(self) -> list[sa.ColumnClause[Any]]:
        return [self.table.c[name] for name in self.key]

    def _where(self) -> Sequence[sa.ColumnElement[bool]]:
        return () if self.migration.where is None else (self.migration.where,)

    def _after(self, key: Key | None) -> Sequence[sa.ColumnElement[bool]]:
        return self._where() if key is None else (self._compared(key, ">"), *self._where())

    def _compared(self, key: Key, operator: str) -> sa.ColumnElement[bool]:
        """Compare the key of a row with another. A value is sent as the column is declared, else as the driver does."""
        columns = self._columns()
        values = [sa.bindparam(None, each, column.type) for each, column in zip(key, columns, strict=True)]
        if len(columns) == 1:
            return columns[0].bool_op(operator)(values[0])
        return sa.tuple_(*columns).bool_op(operator)(sa.tuple_(*values, types=[each.type for each in columns]))

    def _key(self, row: sa.Row[Any]) -> Key:
        key = tuple(row._mapping[column] for column in self._columns())
        if None in key:
            raise ConfigurationError(f"a row of {self.table.name} has NULL in its key")
        return key

    def _shown(self, key: Key) -> str:
        return ", ".join(f"{name} {value}" for name, value in zip(self.key, key, strict=True))

    @contextmanager
    def _explained(self, checkpoint: Checkpoint) -> Iterator[None]:
        """Say of whatever goes wrong in which rows it was. What passes is raised again as it is."""
        try:
            yield
        except Exception as error:
            migration = self.migration
            rows = f"the rows of {self.table.name} from {self.place}" if self.place else self.table.name
            why = reason(error) if isinstance(error, DBAPIError) else str(error).strip().rstrip(".")
            kind = "" if isinstance(error, DBAPIError | ConfigurationError) else f"{type(error).__name__}: "
            raise ConfigurationError(
                f"Data migration {migration.revision} ({migration.title}) failed at {rows}, which stay as they were: "
                f"{kind}{why}. The {checkpoint.done:,} rows before are done; when it is mended, run it again."
            ) from error


def _key_of(connection: sa.Connection, migration: DataMigration) -> tuple[str, ...]:
    """Ask a database for the primary key of a table. Raises `ConfigurationError` where there is none to go along."""
    table, inspector = migration.table, sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        raise ConfigurationError(
            f"Data migration {migration.revision} ({migration.title}) is about the table {table.name}, which this "
            "database does not have: name the revision that makes it as 'depends_on'."
        )
    key = tuple(inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"])
    if not key:
        raise ConfigurationError(
            f"Data migration {migration.revision} ({migration.title}) cannot go through {table.name} in batches, "
            "because that has no primary key."
        )
    if missing := [name for name in key if name not in table.c]:
        raise ConfigurationError(
            f"Data migration {migration.revision} ({migration.title}) leaves out what {table.name} is ordered by: add "
            f"{' and '.join(f'sa.column({quoted(name)})' for name in missing)} to its table."
        )
    return key


def _passes(error: DBAPIError) -> bool:
    """Say whether somebody else was in the way, who will not be there for long."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return getattr(error.orig, "sqlstate", None) in _PASSING
