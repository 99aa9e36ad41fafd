"""The long form of the kill test, for a machine that has nothing else to do: `python3 dev.py faults --help`."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.increments import increment, stored_counter
from tests.faults.server import serving
from tests.faults.siege import Siege, besiege, prepare, stored_rows
from tests.faults.tables import Base, Counter
from tests.support.databases import Backend, postgresql, postgresql_backend, sqlite_backend


def main() -> int:
    """Run what the command line asks for. Answers 1 if anything was wrong."""
    options = arguments()
    wrong = 0
    for kind in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        keyed = {"with": [True], "without": [False], "both": [False, True]}[options.keys]
        for siege in [Siege(options.writes, options.kills, options.clients, keyed=choice) for choice in keyed]:
            wrong += say(kind, *kill(kind, siege))
        if options.increments:
            wrong += say(kind, *compete(kind, options.increments))
    return 1 if wrong else 0


def kill(kind: str, siege: Siege) -> tuple[str, list[str]]:
    """Kill the server. Answers what happened, and what was wrong."""
    with database(kind) as (backend, folder), serving(backend.url, folder) as server:
        prepare(backend, siege)
        ledger = asyncio.run(besiege(server, siege))
        server.kill()
        stored = stored_rows(backend.engine())
    return ("with keys: " if siege.keyed else "") + ledger.summary(stored), ledger.verdict(stored)


def compete(kind: str, attempts: int) -> tuple[str, list[str]]:
    """Let 50 clients of two servers change one row. Answers what happened, and what was wrong."""
    with database(kind) as (backend, folder), ExitStack() as stack:
        backend.create(Base.metadata, Counter(id=1))
        ports = []
        for name in ("one", "other"):
            (folder / name).mkdir()
            ports.append(stack.enter_context(serving(backend.url, folder / name)).start())
        statuses = asyncio.run(increment(ports, attempts=attempts, clients=50))
        value, version = stored_counter(backend.engine())
    wrong = [
        f"{count} answers have the status {status}" for status, count in statuses.items() if status not in (200, 412)
    ]
    if not value == version - 1 == statuses[200]:
        wrong.append(f"the value is {value:,} and the version {version:,} after {statuses[200]:,} changes")
    return f"{attempts:,} conditional changes: {statuses[200]:,} made, {statuses[412]:,} refused", wrong


@contextmanager
def database(kind: str) -> Iterator[tuple[Backend, Path]]:
    """Make an empty database and a folder, both gone in the end."""
    with TemporaryDirectory(prefix="onetrip-faults-") as name, ExitStack() as stack:
        folder = Path(name)
        if kind == "sqlite":
            yield stack.enter_context(sqlite_backend(folder)), folder
            return
        server = stack.enter_context(postgresql(folder / "data"))
        for setting in ("log_statement = 'none'", "fsync = on"):
            server.sql(f"ALTER SYSTEM SET {setting}")
        server.sql("SELECT pg_reload_conf()")
        yield stack.enter_context(postgresql_backend(server)), folder


def say(kind: str, happened: str, wrong: list[str]) -> int:
    """Print a result. Answers how many things were wrong."""
    print(f"{time.strftime('%H:%M:%S')} {kind}: {happened}; {f'{len(wrong)} WRONG' if wrong else 'nothing wrong'}")
    for line in wrong[:20]:
        print(f"  {line}")
    sys.stdout.flush()
    return len(wrong)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="dev.py faults", description="Kill the server while clients write; count.")
    parser.add_argument("--writes", type=int, default=100_000, help="acknowledged writes of each run (100000)")
    parser.add_argument("--kills", type=int, default=50, help="kills of each run (50)")
    parser.add_argument("--clients", type=int, default=16, help="clients at the same time (16)")
    parser.add_argument("--keys", choices=("with", "without", "both"), default="without", help="Idempotency-Key")
    parser.add_argument("--increments", type=int, default=10_000, help="conditional changes of one row; 0 for none")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
