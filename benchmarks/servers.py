"""The server processes: uvicorn with one worker, always stopped at the end."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.request import Request as Message
from urllib.request import urlopen

from benchmarks.load import EXPECTED, Request

ROOT = Path(__file__).resolve().parents[1]
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--workers", "1")


@dataclass(frozen=True)
class Server:
    """A running server process and its port on the loopback interface."""

    pid: int
    port: int

    def get(self, path: str) -> bytes:
        """Return the body of the answer to `GET path`. Raises RuntimeError unless it is a 200."""
        return self.ask(Request(path))

    def ask(self, request: Request) -> bytes:
        """Return the body of the answer. Raises RuntimeError unless its status is the one expected of the method."""
        path, method, body = request
        url, headers = f"http://127.0.0.1:{self.port}{path}", {"Content-Type": "application/json"} if body else {}
        try:
            with urlopen(Message(url, body.encode() or None, headers, method=method), timeout=10) as response:
                status, answer = response.status, bytes(response.read())
        except HTTPError as error:
            status, answer = error.code, error.read()
        if status != EXPECTED[method]:
            raise RuntimeError(f"{method} {path} answered {status}: {answer.decode()[:500]}")
        return answer


@contextmanager
def uvicorn(app: str, path: str, **environment: str) -> Iterator[Server]:
    """Run a module of `benchmarks.contestants`; see `running`."""
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.contestants.{app}", *UVICORN]
    with running(command, path, **environment) as server:
        yield server


@contextmanager
def node(folder: str, path: str, **environment: str) -> Iterator[Server]:
    """Run a Node server of `benchmarks/contestants`, installing its packages first."""
    home = ROOT / "benchmarks" / "contestants" / folder
    if not (home / "node_modules").is_dir():
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=home, check=True)
    with running(["node", str(home / "server.js")], path, **environment) as server:
        yield server


@contextmanager
def running(command: list[str], path: str, **environment: str) -> Iterator[Server]:
    """Run `command --host --port` until the block ends; it begins when `path` is answered.

    Raises RuntimeError with what the process said if it stops or does not answer within 20 seconds.
    """
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if name != "ONETRIP_DATABASE_URL"}
    with TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env=inherited | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is ours: we stop the servers
        )
        try:
            if not answers(process, port, path):
                output.seek(0)
                said = output.read().decode(errors="replace").strip()
                raise RuntimeError(f"{' '.join(command)} does not answer GET {path}. It said:\n{said}")
            yield Server(process.pid, port)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(process: subprocess.Popen[bytes], port: int, path: str) -> bool:
    """Wait for the first answer; False if the process ends or twenty seconds pass without one."""
    deadline = monotonic() + 20
    while process.poll() is None and monotonic() < deadline:
        try:
            Server(process.pid, port).get(path)
            return True
        except OSError:
            sleep(0.01)
    return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
