"""A proxy before PostgreSQL that cuts a connection at a chosen moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

Moment = Literal["before", "after"]


@dataclass
class Proxy:
    """Where it listens, and when it cuts: what a client sends with `marker` in it is lost, or else its answer is."""

    url: str = ""
    marker: bytes = b""
    moment: Moment = "before"
    cuts: int = 0

    def cut(self, marker: bytes, moment: Moment) -> None:
        """Cut the next connection on which the marker is sent: before the database reads it, or after it answered."""
        self.marker, self.moment = marker, moment

    async def forward(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Stand between a client and the database until either is gone."""
        database, requests = await asyncio.open_unix_connection(path)
        sending = asyncio.create_task(self._send(reader, requests))
        try:
            while data := await database.read(65_536):
                if sending.done() and sending.result():
                    break
                writer.write(data)
        except OSError:
            pass
        finally:
            sending.cancel()
            for end in (writer, requests):
                end.transport.abort()

    async def _send(self, reader: asyncio.StreamReader, requests: asyncio.StreamWriter) -> bool:
        """Pass on what a client sends. Answers whether the connection is to be cut."""
        with suppress(OSError):
            while data := await reader.read(65_536):
                found = bool(self.marker) and self.marker in data
                if found:
                    self.marker = b""
                    self.cuts += 1
                if not (found and self.moment == "before"):
                    requests.write(data)
                if found:
                    if self.moment == "before":
                        requests.transport.abort()
                    return True
        requests.transport.abort()
        return False


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """Put a proxy before the database of a URL, which is reached through a Unix socket."""
    parsed, proxy = sa.make_url(url), Proxy()
    path = f"{parsed.query['host']}/.s.PGSQL.{parsed.port or 5432}"
    server = await asyncio.start_server(lambda *streams: proxy.forward(path, *streams), "127.0.0.1", 0)
    address = parsed.set(query={}, host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    proxy.url = address.render_as_string(hide_password=False)
    async with server:
        yield proxy
