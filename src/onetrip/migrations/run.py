"""Applies revisions, one after the other: each in a transaction of its own, by one runner among many.

Alembic's own `alembic upgrade` comes through here as `onetrip db up` does. What fails is rolled back; whoever runs
again, also after this process was killed, goes on where it stopped.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from onetrip.errors import ConfigurationError
from onetrip.migrations import checkpoints, checksums
from onetrip.migrations.concurrently import resumable
from onetrip.migrations.connection import reason
from onetrip.migrations.data.chain import read_chain
from onetrip.migrations.data.needed import Needs, forget_gone, is_left, read_needs
from onetrip.migrations.data.run import Options as DataOptions
from onetrip.migrations.data.run import run as run_data
from onetrip.migrations.guard.guard import backup, foreign_keys_off, guarded, is_empty
from onetrip.migrations.history import VERSIONS, History, irreversible, read_history
from onetrip.migrations.lock import Lock, database_file, locked
from onetrip.migrations.project import Project

OPTIONS = "onetrip.run"
"""Where `Options` stand in the `attributes` of a `Config`."""

_LOCKED = "55P03"  # lock_not_available
_LONGEST = 5.0  # seconds, between two tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What just happened: to a revision by its number and title, after some seconds, with the words of an error."""

    kind: Literal["waiting", "backup", "begun", "again", "done"]
    revision: str = ""
    title: str = ""
    up: bool = True
    seconds: float = 0.0
    why: str = ""
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How revisions are applied, in seconds. `keep` is what becomes of SQLite's backup after all went well.

    `data` is how data migrations are run that a revision needs; without it, that revision is not applied while they
    have rows left. `lossy` takes back what cannot be brought back.
    """

    lock_wait: float = 60.0
    lock_timeout: float = 2.0
    statement_timeout: float | None = None
    retries: int = 10
    backup: bool = True
    keep: bool = True
    data: DataOptions | None = None
    lossy: bool = False
    said: Callable[[Event], None] = field(default=lambda event: None)


def up(project: Project, to: str = "head", options: Options | None = None) -> tuple[str, ...]:
    """Apply the revisions up to one, and answer those that were applied.

    Raises `ConfigurationError` for whatever keeps that from being done; the revision that failed is rolled back.
    """
    history = read_history(project.script())
    if to == "head":
        history.head()
    return _run(command.upgrade, project, to, options or Options())


def down(project: Project, to: str, options: Options | None = None) -> tuple[str, ...]:
    """Take revisions back until one, or `base`, and answer those that were. Raises `ConfigurationError` like `up`."""
    read_history(project.script())
    return _run(command.downgrade, project, to, options or Options())


def _run(asked: Callable[[Config, str], None], project: Project, to: str, options: Options) -> tuple[str, ...]:
    done: list[str] = []

    def said(event: Event) -> None:
        if event.kind == "done":
            done.append(event.revision)
        options.said(event)

    config = project.config()
    config.attributes[OPTIONS] = replace(options, said=said)
    try:
        asked(config, to)
    except CommandError as error:
        raise ConfigurationError(f"Nothing can be done: {str(error).rstrip('.')}.") from error
    return tuple(done)


def apply(
    environment: EnvironmentContext, project: Project, connection: sa.Connection, configured: Mapping[str, Any]
) -> None:
    """Run what a command of Alembic asks for; what it wants to change, under the lock of the database.

    `configured` is how a context is configured. The connection may have read before: that transaction ends here.
    """
    connection.rollback()
    asked, purge = environment.context_opts["fn"], environment.context_opts.get("purge", False)

    def wanted() -> list[MigrationStep]:
        """Ask for the steps, and change nothing."""
        steps: list[MigrationStep] = []

        def collect(heads: tuple[str, ...], context: MigrationContext) -> Iterable[MigrationStep]:
            try:
                steps.extend(asked(() if purge else heads, context))
            except CommandError:
                read_history(environment.script).refuse_unknown(heads)
                raise
            return ()

        environment.configure(connection=connection, fn=collect, purge=False, dont_mutate=True, **configured)
        environment.run_migrations()
        connection.rollback()
        return steps

    if not wanted():
        return
    options: Options = environment.config.attributes.get(OPTIONS, Options())
    waiting = Event(kind="waiting")
    with locked(project.url, connection, options.lock_wait, lambda: options.said(waiting)) as lock:
        runner = _Runner(environment, project, connection, configured, options, lock)
        runner.run(wanted(), purge)


@dataclass(slots=True)
class _Runner:
    """Runs steps while a lock is held."""

    environment: EnvironmentContext
    project: Project
    connection: sa.Connection
    configured: Mapping[str, Any]
    options: Options
    lock: Lock
    saved: Path | None = None
    needs: Needs = field(default_factory=dict)

    @property
    def sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def run(self, steps: list[MigrationStep], purge: bool) -> None:
        """Run every step, and forget the backup at the end if it is not to be kept."""
        checksums.refuse_edited(self.connection, self.history())
        self.connection.rollback()
        self._refuse_loss(steps)
        self.needs = read_needs(self.project, self.environment.script)
        with foreign_keys_off(self.connection) if self.sqlite else nullcontext():
            for number, step in enumerate(steps):
                if isinstance(step, RevisionStep):
                    self._apply(step)
                else:
                    self._once(step, purge and number == 0)
        if self.saved is not None and not self.options.keep:
            self.saved.unlink(missing_ok=True)

    def history(self) -> History:
        """Read the revisions, all of which are imported by now."""
        return read_history(self.environment.script)

    def _refuse_loss(self, steps: list[MigrationStep]) -> None:
        """Raise `ConfigurationError` for a revision that says itself what taking it back would not bring back."""
        taken = [each.revision for each in steps if isinstance(each, RevisionStep) and not each.is_upgrade]
        for each in () if self.options.lossy else taken:
            if lost := irreversible(each):
                raise ConfigurationError(
                    f"Revision {each.revision} ({each.doc}) cannot be undone: {lost}. Restore a backup, or write a "
                    "revision that goes forward."
                )

    def _need(self, revision: Script) -> None:
        """Let the data migrations be finished that a revision needs, or raise `ConfigurationError`."""
        wanted = self.needs.get(revision.revision, ())
        if not wanted:
            return
        with self.connection.begin():
            known = checkpoints.read(self.connection)
            left = [each for each in wanted if is_left(self.connection, each, known.get(each.revision))]
            if left and self.options.data is not None and self.sqlite:
                self._save(revision.revision)
        if left and self.options.data is None:
            names = " and ".join(f"{each.revision} ({each.title})" for each in left)
            raise ConfigurationError(
                f"Revision {revision.revision} ({revision.doc}) needs the data migration {names}, which has rows left: "
                "run 'onetrip db data run', or 'onetrip db up --with-data'."
            )
        if left:
            chain = [each.revision for each in read_chain(self.project)]
            run_data(self.project, self.options.data, chain[: chain.index(wanted[-1].revision) + 1])
        elif any(each.revision not in known or not known[each.revision].finished for each in wanted):
            # There are no rows, as in a new database. It is noted, for the columns may be gone one day.
            run_data(self.project, None, [each.revision for each in wanted])

    def _apply(self, step: RevisionStep) -> None:
        """Run a revision, again when it had to wait too long for a lock that somebody else held."""
        if step.is_upgrade:
            self._need(step.revision)
        event = Event(
            kind="begun", revision=step.revision.revision, title=step.revision.doc or "", up=step.is_upgrade
        )  # fmt: skip
        self.options.said(event)
        function, start = step.migration_fn, time.monotonic()
        step.migration_fn = wraps(function)(lambda **given: self._inside(step, function, given))
        for attempt in range(self.options.retries + 1):
            self._set_timeouts()
            try:
                self._once(step, False)
                break
            except Exception as error:
                self._roll_back()
                if not _is_locked(error) or attempt == self.options.retries:
                    raise self._failed(step, error) from error
                self.options.said(replace(event, kind="again", why=_reason(error)))
                time.sleep(min(0.1 * 2**attempt, _LONGEST) * random.uniform(0.5, 1.5))
        self.options.said(replace(event, kind="done", seconds=time.monotonic() - start))

    def _once(self, step: MigrationStep, purge: bool) -> None:
        self.environment.configure(
            connection=self.connection, fn=lambda heads, context: [step], purge=purge, dont_mutate=False,
            **self.configured,
        )  # fmt: skip
        with self.environment.begin_transaction():
            self.environment.run_migrations()
        self.connection.commit()

    def _inside(self, step: RevisionStep, function: Callable[..., None], given: Mapping[str, Any]) -> None:
        """Run a revision in its transaction, which Alembic has begun and will commit."""
        revision = step.revision
        if self.sqlite:
            # Nothing of a schema needs to be outside of a transaction, and what is inside is whole or not there.
            self.environment.get_context().autocommit_block = nullcontext  # type: ignore[method-assign,assignment]
            self._save(revision.revision)
        with guarded(self.connection) if self.sqlite else resumable(self.connection):
            function(**given)
        if step.is_upgrade:
            checksums.remember(self.connection, revision.revision, Path(revision.path))
        else:
            checksums.forget(self.connection, revision.revision)
            forget_gone(self.connection, self.project)
        self.lock.check()

    def _save(self, revision: str) -> None:
        """Copy the database once, as it is before the first revision."""
        file = database_file(self.connection)
        if file is None or self.saved is not None or not self.options.backup or is_empty(self.connection):
            return
        self.saved = backup(file, revision)
        self.options.said(Event(kind="backup", revision=revision, file=self.saved))

    def _roll_back(self) -> None:
        """End what failed, also a commit for which SQLite waited in vain: that one leaves its transaction open."""
        if self.connection.in_transaction():
            self.connection.rollback()
        if self.sqlite:
            self.connection.connection.dbapi_connection.rollback()  # type: ignore[union-attr]

    def _set_timeouts(self) -> None:
        """Let no statement wait for a lock for long: on PostgreSQL, all readers of that table wait behind it."""
        waited = round(self.options.lock_timeout * 1000)
        if self.sqlite:
            self.connection.connection.dbapi_connection.execute(  # type: ignore[union-attr]
                f"PRAGMA busy_timeout={waited}"
            )
            return
        self.connection.exec_driver_sql(f"SET lock_timeout = {waited}")
        if self.options.statement_timeout is not None:
            self.connection.exec_driver_sql(f"SET statement_timeout = {round(self.options.statement_timeout * 1000)}")
        self.connection.commit()

    def _failed(self, step: RevisionStep, error: Exception) -> ConfigurationError:
        called = "Revision" if step.is_upgrade else "The way back of revision"
        hint = f" The database as it was before is '{self.saved}'." if self.saved is not None else ""
        if step.is_upgrade and not step.revision.down_revision and not self._is_empty():
            hint += " It has tables that no revision made: 'onetrip db baseline' adopts them."
        return ConfigurationError(
            f"{called} {step.revision.revision} ({step.revision.doc}) failed and was rolled back: "
            f"{_reason(error)}.{hint}"
        )

    def _is_empty(self) -> bool:
        """Say whether there are no tables; one that cannot be asked any more may have none."""
        try:
            tables = set(sa.inspect(self.connection).get_table_names())
        except DBAPIError:
            return True
        return not tables - {VERSIONS, checksums.TABLE}


def _is_locked(error: Exception) -> bool:
    """Say whether somebody else's lock was in the way."""
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return getattr(error.orig, "sqlstate", None) == _LOCKED or code == sqlite3.SQLITE_BUSY


def _reason(error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return reason(error)
    text = str(error).strip().rstrip(".")
    return text if isinstance(error, ConfigurationError | CommandError) else f"{type(error).__name__}: {text}"
