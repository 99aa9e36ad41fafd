"""A server that is killed: `onetrip serve` in a process of its own, again and again on the same database."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.serving import environment

_TABLES = Path(__file__).with_name("tables.py")
_READY = re.compile(r"^Serving on http://127\.0\.0\.1:(\d+)", re.MULTILINE)
_PATIENCE = 30.0


class Server:
    """`onetrip serve` of the tables on one database; `folder` takes what it says."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Start, wait until it serves, and answer its port."""
        self.starts += 1
        said = self.folder / f"server-{self.starts}.txt"
        command = [sys.executable, "-m", "onetrip", "serve", str(_TABLES), "--database", self.url, "--port", "0"]
        with said.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment(), stdout=output, stderr=output, start_new_session=True
            )
        end = time.monotonic() + _PATIENCE
        while (ready := _READY.search(said.read_text(encoding="utf-8"))) is None:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"The server did not start:\n{said.read_text(encoding='utf-8')}")
            time.sleep(0.01)
        return int(ready[1])

    def kill(self) -> None:
        """End the process at once, as a crash or the kernel does: it can do nothing about it (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def serving(url: str, folder: Path) -> Iterator[Server]:
    """Make a server that is gone in the end, whatever happens."""
    server = Server(url, folder)
    try:
        yield server
    finally:
        server.kill()
