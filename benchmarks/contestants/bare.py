"""The framework of the floors: none. An ASGI callable that knows eight requests and sends the bytes it is given.

It checks nothing: a body is taken for what it should be.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic_core import from_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Fetch(Protocol):
    """Run the statement of a name with its values, and give the JSON it makes, if any.

    `one` takes an integer, `sorted` that of an author, `create` and `update` the columns in the order of `POST` and
    `PATCH`, `create_many` a list of such rows, and the others nothing.
    """

    async def __call__(self, statement: str, /, *values: Any) -> bytes | None: ...


class Floor:
    """The ASGI app over what `connect` gives: a `Fetch` for as long as the app lives."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Fetch]]) -> None:
        self.connect = connect

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        path = scope["path"]
        if scope["method"] != "GET":
            created, body = await self.write(scope["method"], path, await read(receive))
            await answer(send, body, created)
            return
        if path != "/posts":
            body = await self.fetch("one", int(path[len("/posts/") :]))
        else:
            body = await self.listed(scope["query_string"])
        await answer(send, body)

    async def listed(self, query_string: bytes) -> bytes | None:
        if query_string == b"limit=20&include=author,comments":
            return await self.fetch("embed")
        if query_string == b"limit=20&include=comments(limit=3,sort=-id)":
            return await self.fetch("newest")
        if query_string.startswith(b"author_id="):
            return await self.fetch("sorted", int(query_string.partition(b"&")[0].removeprefix(b"author_id=")))
        return await self.fetch("list")

    async def write(self, method: str, path: str, raw: bytes) -> tuple[int, bytes | None]:
        sent = from_json(raw)
        if method == "PATCH":
            return 200, await self.fetch("update", sent["title"], sent["content"], int(path[len("/posts/") :]))
        if isinstance(sent, list):
            return 201, await self.fetch("create_many", [columns(row) for row in sent])
        return 201, await self.fetch("create", *columns(sent))

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.connect() as self.fetch:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def columns(row: dict[str, Any]) -> tuple[Any, ...]:
    """Give what `create` stores: what was sent, and the defaults of the model."""
    return row["title"], row["content"], 0, False, datetime.now(UTC), row["author_id"]


async def read(receive: Receive) -> bytes:
    """Read a body."""
    message = await receive()
    raw: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        raw += message["body"]
    return raw


async def answer(send: Send, body: bytes | None, status: int = 200) -> None:
    """Send JSON as it is, or a 404 if there is none."""
    status, body = (404, b"null") if body is None else (status, body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
