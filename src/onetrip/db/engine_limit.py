"""How long a statement may run on a connection of SQLAlchemy's, of whichever driver: the driver is told to end it.

A setting of the server would be one of the engine's other users too, and would have to be sent with each request.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from onetrip.db.runner import overdue
from onetrip.errors import Unavailable

T = TypeVar("T")

_WAYS = ("cancel_safe", "cancel", "interrupt")
"""What drivers call it, the best one first; pg8000 has none."""


class Limit:
    """Ends what `run` does after some seconds, if they are given. Raises `Unavailable` on the way out then.

    On the way out nothing is being ended any more: whoever has the connection next is not meant.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.running: Any = None
        self.lock = threading.Lock()
        self.ending: asyncio.Future[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Limit":
        self._wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.ending is None or self.seconds is None:
            return
        await asyncio.wait([self.ending])
        if not self.ending.cancelled():
            self.ending.exception()  # a driver that cannot end it lets it end by itself
        if isinstance(error, DBAPIError | Unavailable):
            raise overdue(error.__cause__ or error, self.seconds) from error

    def run(self, connection: sa.Connection, work: Callable[..., T], *arguments: Any) -> T:
        """Do something with a connection, in whichever thread."""
        with self.lock:
            self.running = connection.connection.driver_connection
        try:
            return work(connection, *arguments)
        finally:
            with self.lock:
                self.running = None

    def _wait(self) -> None:
        if self.seconds is not None:
            self.timer = asyncio.get_running_loop().call_later(self.seconds, self._end)

    def _end(self) -> None:
        if self.running is None:  # it waits for a connection
            self._wait()
            return
        self.ending = asyncio.ensure_future(self._stop())

    async def _stop(self) -> None:
        stop = next((getattr(self.running, way) for way in _WAYS if hasattr(self.running, way)), None)
        if inspect.iscoroutinefunction(stop):
            await stop()
        elif stop is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._stop_if_running, stop)

    def _stop_if_running(self, stop: Callable[[], Any]) -> None:
        with self.lock:  # until then the connection is not given back
            if self.running is not None:
                stop()
