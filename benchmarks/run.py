"""Run the benchmark: `python benchmarks/run.py --help`. This module starts things in order and prints the report."""

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # import the package `benchmarks`, not its modules one by one

from benchmarks import pages, parity, report, resources  # noqa: E402
from benchmarks.contestants.registry import CONTESTANTS, EMPTY, ONE_CONNECTION, READS, WRITES, Contestant  # noqa: E402
from benchmarks.databases import Database, postgresql, sqlite  # noqa: E402
from benchmarks.process import peak_megabytes  # noqa: E402
from benchmarks.rounds import Effort, Entry, Results, measure_in_turn  # noqa: E402
from benchmarks.servers import node, uvicorn  # noqa: E402


def main() -> None:
    """Measure what the command line asks for, printing each part of the report as soon as it is there."""
    options = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))  # unwinds, and so stops every server
    effort = Effort(options.seconds, options.rounds)
    parts = []

    def add(part: str) -> None:
        parts.append(part)
        print(part, end="\n\n", flush=True)

    add(f"# Benchmark\n\n{report.machine(effort)}")
    reference: parity.Reference = {}  # one for both databases: they must agree as well
    for kind in ("postgresql", "sqlite"):
        if options.database not in (kind, "both"):
            continue
        with sqlite() if kind == "sqlite" else postgresql(options.postgres_version) as database:
            chosen = [c for c in CONTESTANTS if c.name in options.only and (options.fastify or not c.node)]
            contestants = [c for c in chosen if kind in c.databases]
            add(compare(database, contestants, effort, reference))
            if options.resources:
                add(resources.report(database, effort))
                add(pages.report(database))
    if options.markdown:
        options.markdown.write_text("\n\n".join(parts) + "\n")


def compare(database: Database, contestants: list[Contestant], effort: Effort, reference: parity.Reference) -> str:
    """Start every contestant, check that their answers agree, measure them in turn, and report.

    Reads come first, on tables that nothing has changed; what writes leave is removed after each.
    """
    results: Results = {}
    with ExitStack() as stack:
        servers = {}
        for contestant in contestants:
            first = next(iter(contestant.requests.values()))[0].path
            start = node if contestant.node else uvicorn
            server = start(contestant.app, first, BENCHMARK_DATABASE=database.url)
            servers[contestant.name] = stack.enter_context(server)
        for endpoints, restore in (((*READS, EMPTY), None), (tuple(WRITES), database.restore)):
            for contestant in contestants:
                parity.check(contestant, servers[contestant.name], endpoints, reference)
            entries = [
                Entry(
                    *(endpoint, contestant.name, servers[contestant.name], contestant.requests[endpoint]),
                    connections=1 if endpoint in ONE_CONNECTION else 16,
                )
                for endpoint in endpoints
                for contestant in contestants
                if endpoint in contestant.requests
            ]
            results |= measure_in_turn(entries, database.pid, effort, restore)
        memory = {name: peak_megabytes(server.pid) for name, server in servers.items()}
    return report.comparison(database, contestants, results, memory)


def arguments() -> argparse.Namespace:
    """Parse and check the command line."""
    names = list(dict.fromkeys(contestant.name for contestant in CONTESTANTS))
    parser = argparse.ArgumentParser(description="Compare onetrip with hand-written FastAPI and a bare ASGI floor.")
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    parser.add_argument("--postgres-version", type=int, choices=(16, 18), default=16)
    parser.add_argument("--seconds", type=float, default=2.0, help="load per contestant, request and round (default 2)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="interleaved rounds, of which the median counts (default 3)"
    )
    parser.add_argument("--only", metavar="NAMES", default=",".join(names), help=f"of {','.join(names)} (default all)")
    parser.add_argument("--fastify", action="store_true", help="also Fastify + pg on PostgreSQL (needs node and npm)")
    parser.add_argument(
        "--resources", action="store_true", help="also: 1 and 200 resources, start and import time, pages far away"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report to this file too")
    options = parser.parse_args()
    options.only = options.only.split(",")
    for name in options.only:
        if name not in names:
            parser.error(f"--only: there is no contestant {name!r}; there are {', '.join(names)}")
    if options.seconds <= 0 or options.rounds < 1:
        parser.error("--seconds must be above 0 and --rounds at least 1")
    return options


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, parity.Disagreement) as error:
        sys.exit(f"benchmark: {error}")
    except KeyboardInterrupt:
        sys.exit("benchmark: interrupted; every server is stopped")
