"""Writes inside a transaction that is open: each in a savepoint, so that what one refuses does not end the others."""

from collections.abc import Callable
from typing import Any

from onetrip.db.runner import Execute, Rejected, Row, Steps, T, drive_async
from onetrip.sql.statement import Statement


class Nested:
    """What `Database` is to a write of its own, in an open transaction. Nothing is committed here."""

    def __init__(self, execute: Execute) -> None:
        self.execute = execute

    async def write(self, statement: Statement, values: tuple[Any, ...]) -> Row | None:
        """Run one statement. Raises `Rejected`, after which the transaction goes on."""

        def steps() -> Steps[Row | None]:
            return (yield statement.text, statement.bind(values))

        return await self.transact(steps)

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run some statements, all or none. Raises `Rejected`, after which the transaction goes on."""
        await self.execute("SAVEPOINT onetrip", ())
        try:
            answer = await drive_async(self.execute, steps())
        except Rejected:
            await self.execute("ROLLBACK TO SAVEPOINT onetrip", ())
            raise
        await self.execute("RELEASE SAVEPOINT onetrip", ())
        return answer
