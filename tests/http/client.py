"""A client that sends exactly the bytes of a test to an ASGI application, as a server would hand them over.

HTTP libraries repair what they send (escapes, dots, spaces); bad input has to arrive as it was written.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends requests to one application, all on one event loop."""

    def __init__(self, app: Any, runner: asyncio.Runner, root_path: str = "") -> None:
        self.app = app
        self.runner = runner
        self.root_path = root_path

    def get(self, target: str, **headers: str) -> Answer:
        return self.request("GET", target, headers)

    def request(
        self,
        method: str,
        target: str | bytes,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        **more: Any,
    ) -> Answer:
        """Send a request line and a body as they are; `more` goes into the scope."""
        return self.runner.run(self.ask(method, target, headers, body, **more))

    def send(self, method: str, target: str, json: Any, **headers: str) -> Answer:
        """Send a value as JSON."""
        return self.request(method, target, {"content-type": "application/json", **headers}, _dumped(json))

    async def ask(
        self,
        method: str,
        target: str | bytes,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        **more: Any,
    ) -> Answer:
        """Do the same within the event loop."""
        raw = target if isinstance(target, bytes) else target.encode()
        path, _, query = raw.partition(b"?")
        scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http",
            "method": method, "path": unquote(path.decode("latin-1")), "raw_path": path, "query_string": query,
            "root_path": self.root_path, "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 50_000),
            "headers": [(b"host", b"test"), *_raw(headers or {})], **more,
        }  # fmt: skip
        return await _exchange(self.app, scope, body)


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _raw(headers: Mapping[str, str]) -> Iterator[tuple[bytes, bytes]]:
    """Write headers; an underscore stands for a hyphen, a line break between values for a repeated header."""
    for name, value in headers.items():
        for line in value.split("\n"):
            yield name.lower().replace("_", "-").encode(), line.encode("latin-1")


async def _exchange(app: Any, scope: dict[str, Any], body: bytes) -> Answer:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    assert len(headers) == len(start["headers"]), f"a header is sent twice: {start['headers']}"
    return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in rest))


@contextmanager
def serving(app: Any, *, lifespan: bool = True, root_path: str = "") -> Iterator[Client]:
    """Run an application from start to stop; without `lifespan`, as a server does that knows no such thing."""
    with asyncio.Runner() as runner:
        client = Client(app, runner, root_path)
        if not lifespan:
            yield client
            return
        entered = app.router.lifespan_context(app)
        runner.run(_enter(entered))
        try:
            yield client
        finally:
            runner.run(_leave(entered))


async def _enter(context: Any) -> None:
    await context.__aenter__()


async def _leave(context: Any) -> None:
    await context.__aexit__(None, None, None)
