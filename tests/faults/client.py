"""A client that can tell an answer from none: one keep-alive connection, and little between it and the bytes.

HTTP libraries send some requests again when a connection breaks. Here a request is sent once.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0


class Lost(Exception):
    """There was no whole answer: the request may have done what it should, or not."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends requests to a server on the loopback interface; connects again where the last connection was lost."""

    def __init__(self) -> None:
        self.port = 0
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, port: int, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request. Raises `Lost`, and TimeoutError where nothing comes at all."""
        sent = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(sent)}"]
        if sent:
            lines.append("Content-Type: application/json")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        async with asyncio.timeout(PATIENCE):
            try:
                reader, writer = await self.connected(port)
                writer.write("\r\n".join([*lines, "", ""]).encode() + sent)
                return await answer(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.close()
                raise Lost from error

    async def connected(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.streams is None or self.port != port:
            self.close()
            self.port, self.streams = port, await asyncio.open_connection("127.0.0.1", port)
        return self.streams

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].transport.abort()
            self.streams = None


async def answer(reader: asyncio.StreamReader) -> Reply:
    """Read one answer. Raises IncompleteReadError where it ends early."""
    head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Reply(int(head.split()[1]), headers, body)
