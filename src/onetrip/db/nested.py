"""Writes inside a transaction that is open: each in a savepoint, so that what one refuses does not end the others."""

from collections.abc import Callable
from typing import Any

from onetrip.db.runner import Execute, Rejected, Row, Steps, T, drive_async
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import Statement


class Nested:
    """What `Database` is to a write of its own, in an open transaction. Nothing is committed here."""

    def __init__(self, execute: Execute, dialect: Dialect) -> None:
        self.execute = execute
        self.dialect = dialect

    async def run(self, statement: Statement, values: tuple[Any, ...]) -> Row | None:
        """Run a statement that reads."""
        return await self.execute(statement.text, statement.bind(values))

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
