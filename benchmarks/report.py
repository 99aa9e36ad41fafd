"""The report: Markdown that reads well in a terminal too."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.contestants.registry import BATCH, BATCH_ROWS, FLOORS, HAND_WRITTEN, ONE_BY_ONE, Contestant
from benchmarks.data import COMMENTS, POSTS, USERS
from benchmarks.databases import Database
from benchmarks.rounds import Effort, Results

LIBRARIES = (
    *("onetrip", "fastapi", "starlette", "pydantic", "sqlmodel", "sqlalchemy"),
    *("uvicorn", "uvloop", "httptools", "asyncpg", "aiosqlite"),
)
COLUMNS = (
    "",
    "Server CPU, µs",
    "Database CPU, µs",
    "Requests/s",
    "p50, ms",
    "p99, ms",
    "Server, of floor",
    "Hand-written, of server",
    "the same with database",
)


def processor() -> str:
    """Describe the machine."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in cpus if line.startswith("model name")), "unknown CPU")
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"


def machine(effort: Effort) -> str:
    """Describe what the figures were measured on and how."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES if installed(name))
    return (
        f"{processor()}; {platform.python_implementation()} {platform.python_version()}; {libraries}.\n\n"
        f"{USERS:,} users, {POSTS:,} posts, {COMMENTS:,} comments. One uvicorn worker per contestant; 16 keep-alive "
        f"connections (one for arrays and what is compared with them); load generator, server and database (PostgreSQL "
        f"through a Unix socket) share the machine. Whoever writes finds the table as it was at first; PostgreSQL's "
        f"autovacuum is off. FastAPI is told that nobody reads its telemetry. "
        f"CPU time is user and system time per request. Medians of {effort.rounds} interleaved rounds of "
        f"{effort.seconds:g} s each."
    )


def installed(name: str) -> bool:
    """Say whether a library's version is known."""
    try:
        return bool(version(name))
    except ImportError:
        return False


def comparison(
    database: Database, contestants: Sequence[Contestant], results: Results, memory: Mapping[str, float]
) -> str:
    """Report one database: a table for each request, then who the contestants are and their peak memory."""
    endpoints = dict.fromkeys(endpoint for endpoint, _ in results)
    figures = "\n\n".join(f"### {endpoint}\n\n{table(COLUMNS, rows(endpoint, results))}" for endpoint in endpoints)
    who = "\n".join(f"- {c.name}: {c.about}; peak memory {memory[c.name]:.0f} MB" for c in contestants)
    return f"## {database}\n\n{figures}\n\n{batches(results)}{who}"


def batches(results: Results) -> str:
    """Compare rows per second of arrays and of single posts, over one connection."""
    gains = [
        f"{name} {m.rate * BATCH_ROWS / results[ONE_BY_ONE, name].rate:.1f} ×"
        for (endpoint, name), m in results.items()
        if endpoint == BATCH
    ]
    if not gains:
        return ""
    return (
        f"An array of {BATCH_ROWS:,} is faster than {BATCH_ROWS:,} POSTs one after the other: {', '.join(gains)}.\n\n"
    )


def rows(endpoint: str, results: Results) -> Iterator[tuple[str, ...]]:
    """Yield each contestant's figures for one kind of request, with the ratios to the floor and to hand-written."""
    peers = {name: m for (of, name), m in results.items() if of == endpoint}
    floor = min((peers[name].server for name in FLOORS if name in peers), default=None)
    usual = peers.get(HAND_WRITTEN)
    for name, m in peers.items():
        yield (
            name,
            f"{m.server:.0f}",
            f"{m.database:.0f}" if m.database else "–",
            f"{m.rate:,.0f}",
            f"{m.p50:.1f}",
            f"{m.p99:.1f}",
            f"{m.server / floor:.2f} ×" if floor else "–",
            f"{usual.server / m.server:.1f} ×" if usual else "–",
            f"{(usual.server + usual.database) / (m.server + m.database):.1f} ×" if usual else "–",
        )


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table: the first column to the left, the others, which are figures, to the right."""
    lines = [head, *body]
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    rule = ["-" * first, *("-" * (width - 1) + ":" for width in others)]
    return "\n".join(
        " | ".join(
            [f"| {line[0]:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(line[1:], others, strict=True))]
        )
        + " |"
        for line in (head, rule, *lines[1:])
    )
