"""The load generator: keep-alive HTTP/1.1 connections that ask again as soon as they are answered.

`measure` runs this module as a process of its own, so that the client's work is not on the server's bill and does not
share the caller's interpreter. It speaks just enough HTTP to be cheap: every answer must have Content-Length, and the
status that its method has when all is well.
"""

import asyncio
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import count, cycle
from pathlib import Path
from time import perf_counter, time
from typing import NamedTuple, cast

import uvloop

from benchmarks.process import cpu_seconds

ROOT = Path(__file__).resolve().parents[1]
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

NUMBER = "#" * 13
"""Stands in a body for a number that no other request has, so that no change finds what it would store."""

FEWEST = 3
"""How many answers are waited for, however long they take."""

EXPECTED = {"GET": 200, "PATCH": 200, "POST": 201}


class Request(NamedTuple):
    """What is asked: a path, and for a write its method and its JSON, which may hold `NUMBER`."""

    path: str
    method: str = "GET"
    body: str = ""

    def head(self) -> bytes:
        """Write everything before the body."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body.encode())}"]
        return "\r\n".join([*lines, "", ""]).encode()


def gets(*paths: str) -> tuple[Request, ...]:
    """Ask for each path."""
    return tuple(map(Request, paths))


@dataclass(frozen=True)
class Load:
    """What to ask of whom (requests of one method), for how long, and the processes whose CPU time to count."""

    port: int
    requests: tuple[Request, ...]
    seconds: float
    server: int
    database: int | None
    warm_up: float = 0.4
    connections: int = 16


@dataclass(frozen=True)
class Measurement:
    """The cost and speed of one kind of request; times are per request, CPU in µs and latency in ms."""

    server: float
    database: float
    rate: float
    p50: float
    p99: float


class Connection(asyncio.Protocol):
    """One client: sends a request, takes the whole answer, notes the latency, sends the next."""

    def __init__(
        self, requests: Iterator[bytes], status: bytes, latencies: list[float], failure: asyncio.Future[None]
    ) -> None:
        self.requests, self.latencies, self.failure = requests, latencies, failure
        self.expected = b"HTTP/1.1 %s " % status
        self.head, self.missing = b"", 0  # bytes of an unfinished head; bytes of the body still to come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        self.ask()

    def ask(self) -> None:
        self.sent = perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        if self.missing:
            self.missing -= len(data)
        else:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = CONTENT_LENGTH.search(self.head, 0, end)
            if length is None or not self.head.startswith(self.expected):
                self.fail(f"expected {self.expected!r} with Content-Length, got {self.head[:600]!r}")
                return
            self.missing = int(length[1]) - (len(self.head) - end - 4)
            self.head = b""
        if not self.missing:
            self.latencies.append(perf_counter() - self.sent)
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(f"the server closed the connection ({exc})")

    def fail(self, reason: str) -> None:
        if not self.failure.done():
            self.failure.set_exception(RuntimeError(reason))


async def run(load: Load) -> Measurement:
    """Warm up, then measure for `load.seconds`, or longer. Raises RuntimeError at the first wrong answer."""
    loop = asyncio.get_running_loop()
    requests, status = written(load.requests), b"%d" % EXPECTED[load.requests[0].method]
    latencies: list[float] = []
    failure: asyncio.Future[None] = loop.create_future()
    connections = [
        await loop.create_connection(lambda: Connection(requests, status, latencies, failure), "127.0.0.1", load.port)
        for _ in range(load.connections)
    ]
    await watch(failure, load.warm_up)
    await next_answer(latencies, failure)
    latencies.clear()
    started, server, database = perf_counter(), cpu_seconds(load.server), cpu(load.database)
    await watch(failure, load.seconds)
    await next_answer(latencies, failure)
    while len(latencies) < FEWEST:
        await next_answer(latencies, failure)
    number, elapsed = len(latencies), perf_counter() - started
    server, database = cpu_seconds(load.server) - server, cpu(load.database) - database
    if not failure.done():
        failure.set_result(None)  # from here on, closed connections are no failure
    for transport, _ in connections:
        transport.close()
    percentiles = statistics.quantiles(latencies[:number], n=100)
    return Measurement(
        server=server / number * 1e6,
        database=database / number * 1e6,
        rate=number / elapsed,
        p50=percentiles[49] * 1e3,
        p99=percentiles[98] * 1e3,
    )


def written(requests: Iterable[Request]) -> Iterator[bytes]:
    """Write the requests over and over, each body with a number of its own."""
    numbers = count(int(time() * 1000))  # goes on where the last round ended, roughly
    marker = NUMBER.encode()
    for head, body in cycle([(request.head(), request.body.encode()) for request in requests]):
        yield head + body.replace(marker, b"%013d" % next(numbers)) if body else head


async def watch(failure: asyncio.Future[None], seconds: float) -> None:
    """Wait, and raise at once if a connection fails meanwhile."""
    await asyncio.wait([failure], timeout=seconds)
    if failure.done():
        failure.result()


async def next_answer(latencies: list[float], failure: asyncio.Future[None]) -> None:
    """Wait for an answer: where few are asked for at a time, time is measured from answer to answer."""
    seen = len(latencies)
    while len(latencies) == seen:
        await watch(failure, 0.001)


def cpu(pid: int | None) -> float:
    """Return the CPU seconds of a process, 0 without one (SQLite works inside the server's)."""
    return 0.0 if pid is None else cpu_seconds(pid)


def measure(load: Load) -> Measurement:
    """Run the load in a process of its own. Raises RuntimeError with what it said if it fails."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=load.warm_up + load.seconds + 60,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"The load generator stopped: {process.stderr.strip().splitlines()[-1]}")
    return Measurement(**json.loads(process.stdout))


if __name__ == "__main__":
    given = json.load(sys.stdin)
    given["requests"] = tuple(Request(*request) for request in given["requests"])
    print(json.dumps(asdict(uvloop.run(run(Load(**given))))))
