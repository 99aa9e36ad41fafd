"""`onetrip serve` as users run it: a process of its own, on a free port, in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

_READY = re.compile(r"^Serving on (http://\S+?)(?:\. | and )", re.MULTILINE)
_PATIENCE = 30.0


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files by their path in a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def environment(**variables: str) -> dict[str, str]:
    """The environment of this process, without what onetrip reads from it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONETRIP_")}
    return kept | variables


def run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `onetrip` to its end."""
    command = [sys.executable, "-m", "onetrip", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


@dataclass
class Served:
    """A server that runs, and what it wrote so far."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str = ""

    @property
    def output(self) -> str:
        return (self.folder / "stdout.txt").read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return (self.folder / "stderr.txt").read_text(encoding="utf-8")

    def get(self, path: str) -> Any:
        """Read an answer as JSON, also when it is a problem."""
        return json.loads(self.text(path))

    def send(self, method: str, path: str, body: Any) -> Any:
        """Send JSON, and read the answer as JSON."""
        sent, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
        return json.loads(self._answer(urllib.request.Request(self.url + path, sent, kind, method=method)))

    def text(self, path: str) -> str:
        return self._answer(urllib.request.Request(self.url + path))

    def _answer(self, request: urllib.request.Request) -> str:
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
                return str(answer.read().decode())
        except HTTPError as problem:
            with problem:
                return problem.read().decode()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until something was written that often, to either stream."""
        end = time.monotonic() + _PATIENCE
        while (self.output + self.errors).count(text) < times:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{text!r} was not written:\n{self.output}\n{self.errors}")
            time.sleep(0.02)

    def stop(self) -> int:
        """Press Ctrl-C, and answer the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(_PATIENCE)


def _interruptible() -> None:
    """Listen to Ctrl-C, which the children of a shell in the background ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(*arguments: str, folder: Path, **variables: str) -> Iterator[Served]:
    """Start `onetrip serve` on a free port, without waiting for it."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "onetrip", "serve", *arguments, "--port", "0"]
    with (logs / "stdout.txt").open("wb") as output, (logs / "stderr.txt").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(**variables), stdout=output, stderr=errors, preexec_fn=_interruptible
        )
    try:
        yield Served(process, logs)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(_PATIENCE)


@contextmanager
def served(*arguments: str, folder: Path, **variables: str) -> Iterator[Served]:
    """Start `onetrip serve` on a free port, wait until it says that it serves, and stop it with Ctrl-C."""
    with started(*arguments, folder=folder, **variables) as server:
        server.wait_for("Ctrl-C stops.")
        ready = _READY.search(server.output)
        assert ready is not None, server.output
        server.url = ready[1]
        yield server
        if server.process.poll() is None:
            assert server.stop() == 0, server.errors
