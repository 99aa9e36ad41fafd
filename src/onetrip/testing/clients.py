"""Clients of tests, in process: an asynchronous one on whatever loop a test runs, with the application's lifespan.

It is made by a fixture that is not asynchronous, so that it works with every plugin that runs asynchronous tests. The
lifespan begins with the first request, in a task of the loop that sends it, and ends with the test or with that loop.
"""

import asyncio
from contextlib import suppress
from typing import Any, Self

import httpx2

BASE_URL = "http://testserver"


class AsyncClient(httpx2.AsyncClient):
    """An `httpx` client whose requests go straight to an application."""

    def __init__(self, app: Any, *, headers: dict[str, str] | None = None, lifespan: "Lifespan | None" = None) -> None:
        self.lifespan = lifespan or Lifespan(app)
        super().__init__(transport=_Transport(self.lifespan), base_url=BASE_URL, headers=headers)

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Make another client of the same application, which sends these headers as well."""
        return type(self)(self.lifespan.app, headers=dict(self.headers) | headers, lifespan=self.lifespan)


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, lifespan: "Lifespan") -> None:
        self.lifespan = lifespan
        self._inner = httpx2.ASGITransport(lifespan.serve)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self.lifespan.begin()
        return await self._inner.handle_async_request(request)


class Lifespan:
    """An application between its start and its end (https://asgi.readthedocs.io/en/latest/specs/lifespan.html)."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._state: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._started: asyncio.Future[None]
        self._ending: asyncio.Event

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, which sees what the lifespan has yielded."""
        await self.app({**scope, "state": dict(self._state)}, receive, send)

    async def begin(self) -> None:
        """Start the application, once on each loop. Raises what its start raises."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.get_loop() is not loop:
            self._started, self._ending = loop.create_future(), asyncio.Event()
            self._task = loop.create_task(self._run(self._started, self._ending))
        await asyncio.shield(self._started)

    def end(self) -> None:
        """End the application, if its loop is still there."""
        if self._task is not None and not self._task.done():
            loop = self._task.get_loop()
            if not (loop.is_closed() or loop.is_running()):
                self._ending.set()
                loop.run_until_complete(self._task)

    async def _run(self, started: asyncio.Future[None], ending: asyncio.Event) -> None:
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "lifespan.startup"}
            with suppress(asyncio.CancelledError):  # a loop that ends cancels its tasks: the application ends in order
                await ending.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                started.set_result(None)

        try:
            await self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": self._state}, receive, send)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)
        if not started.done():
            started.set_result(None)  # an application without a lifespan
