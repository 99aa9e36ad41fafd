"""The framework of the floors: none. An ASGI callable that knows three requests and sends the bytes it is given."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Fetch(Protocol):
    """Run the statement for one of `list`, `one`, `embed` with one integer, and give the JSON it makes, if any."""

    async def __call__(self, statement: str, value: int, /) -> bytes | None: ...


class Floor:
    """The ASGI app over what `connect` gives: a `Fetch` for as long as the app lives."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Fetch]]) -> None:
        self.connect = connect

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        path = scope["path"]
        if path != "/posts":
            body = await self.fetch("one", int(path[len("/posts/") :]))
        elif scope["query_string"] == b"limit=20&include=author,comments":
            body = await self.fetch("embed", 20)
        else:
            body = await self.fetch("list", 50)
        await answer(send, body)

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.connect() as self.fetch:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def answer(send: Send, body: bytes | None) -> None:
    """Send JSON as it is, or a 404 if there is none."""
    status, body = (404, b"null") if body is None else (200, body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
