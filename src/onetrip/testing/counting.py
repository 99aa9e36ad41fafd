"""How many statements a block of a test sends: those of generated requests, and those of sessions.

BEGIN, COMMIT and savepoints are not counted; a statement that a full or lost connection made the driver repeat is one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from onetrip.db.database import Database
from onetrip.db.engine_runners import EngineRunner, ThreadRunner

UNCOUNTED = "onetrip_uncounted"
"""Execution option of an engine that is none of the application's."""

_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ", "PRAGMA")


class Statements(list[str]):
    """The statements of a block, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        """Count a statement, unless it is about a transaction."""
        if not text.lstrip().upper().startswith(_CONTROL):
            with self._lock:
                self.append(text)


AssertStatements = Callable[[int], AbstractContextManager[Statements]]
"""`with assert_statements(1): …` fails when the block sends more statements, or fewer."""


@contextmanager
def assert_statements(number: int) -> Iterator[Statements]:
    """Fail when the block does not send exactly so many statements, and list those that it sent."""
    with statements() as sent:
        yield sent
    if len(sent) != number:
        listed = "".join(f"\n{at}. {text}" for at, text in enumerate(sent, 1))
        raise AssertionError(f"{number} statement{'s' * (number != 1)} expected, {len(sent)} sent:{listed or ' none'}")


@contextmanager
def statements() -> Iterator[Statements]:
    """Collect the statements that are sent inside the block, from every thread of this process."""
    sent = Statements()

    def executed(connection: sa.Connection, _: Any, text: str, *__: Any) -> None:
        if not connection.get_execution_options().get(UNCOUNTED):
            sent.add(text)

    event.listen(sa.Engine, "before_cursor_execute", executed)
    kept = {name: getattr(Database, name) for name in ("run", "write", "transact", "begin", "stream")}
    for name, counted in _counted(sent, kept).items():
        setattr(Database, name, counted)
    try:
        yield sent
    finally:
        event.remove(sa.Engine, "before_cursor_execute", executed)
        for name, method in kept.items():
            setattr(Database, name, method)


def _counted(sent: Statements, kept: dict[str, Any]) -> dict[str, Any]:
    """Wrap the methods by which requests reach the database; through an engine, that counts already."""

    def note(database: Database, text: str) -> None:
        if not isinstance(database.connections().runner, EngineRunner | ThreadRunner):
            sent.add(text)

    async def run(self: Database, statement: Any, values: Any) -> Any:
        note(self, statement.text)
        return await kept["run"](self, statement, values)

    async def write(self: Database, statement: Any, values: Any) -> Any:
        note(self, statement.text)
        return await kept["write"](self, statement, values)

    async def transact(self: Database, steps: Any) -> Any:
        return await kept["transact"](self, lambda: _noted(steps(), partial(note, self)))

    @asynccontextmanager
    async def begin(self: Database) -> Any:
        async with kept["begin"](self) as nested:
            nested.execute = _noting(nested.execute, partial(note, self))
            yield nested

    def stream(self: Database, statement: Any, values: Any) -> Any:
        note(self, statement.text)
        return kept["stream"](self, statement, values)

    return {"run": run, "write": write, "transact": transact, "begin": begin, "stream": stream}


def _noted(steps: Any, note: Callable[[str], None]) -> Any:
    """Pass on the statements of a transaction."""
    row = None
    while True:
        try:
            text, arguments = steps.send(row)
        except StopIteration as end:
            return end.value
        note(text)
        row = yield text, arguments


def _noting(execute: Any, note: Callable[[str], None]) -> Any:
    async def executed(text: str, arguments: Any) -> Any:
        note(text)
        return await execute(text, arguments)

    return executed
