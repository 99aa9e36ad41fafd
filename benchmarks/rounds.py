"""The measuring: every entry in turn, round after round, so that a slow moment of the machine falls on all of them."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.load import Load, Measurement, Request, measure
from benchmarks.servers import Server


@dataclass(frozen=True)
class Entry:
    """One kind of request to one server."""

    endpoint: str
    contestant: str
    server: Server
    requests: tuple[Request, ...]
    connections: int = 16


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds of load per entry and round."""

    seconds: float
    rounds: int


Results = dict[tuple[str, str], Measurement]  # endpoint, contestant -> medians over the rounds


def measure_in_turn(
    entries: Sequence[Entry], database: int | None, effort: Effort, after_each: Callable[[], None] | None = None
) -> Results:
    """Measure each entry once per round, and return the medians. `after_each` clears away what an entry has left."""
    measured: dict[tuple[str, str], list[Measurement]] = {}
    for number in range(1, effort.rounds + 1):
        for entry in entries:
            progress(f"round {number}/{effort.rounds}: {entry.endpoint}, {entry.contestant}")
            server = entry.server
            load = Load(
                server.port, entry.requests, effort.seconds, server.pid, database, connections=entry.connections
            )
            measured.setdefault((entry.endpoint, entry.contestant), []).append(measure(load))
            if after_each is not None:
                after_each()
    progress("")
    return {key: median(rounds) for key, rounds in measured.items()}


def median(rounds: Sequence[Measurement]) -> Measurement:
    """Return the median of every figure on its own."""
    columns = zip(*((m.server, m.database, m.rate, m.p50, m.p99) for m in rounds), strict=True)
    return Measurement(*map(statistics.median, columns))


def progress(doing: str) -> None:
    """Say on a terminal what is being done, in one line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)
