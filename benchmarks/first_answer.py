"""How long it takes from an empty folder to the first answer: `python benchmarks/first_answer.py`.

A virtual environment, onetrip and all that it requires, a new project, the server, one request. Needs what `pip` is set
up to install from; packages that pip keeps already are not downloaded again.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PORT = 8765
PATIENCE = 60.0


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say how long something took, and how much of that was work of this machine's processors."""
    start, used = time.perf_counter(), processor()
    yield
    print(f"{name:24} {time.perf_counter() - start:6.1f} s   {processor() - used:6.1f} s CPU")


def processor() -> float:
    """The seconds that processes which have ended have used."""
    times = os.times()
    return times.children_user + times.children_system


def first_answer(onetrip: Path, folder: Path) -> None:
    """Serve until the first request is answered."""
    server = subprocess.Popen([onetrip, "serve", "--port", str(PORT)], cwd=folder, stdout=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/items") as answer:
                    assert answer.status == 200
                    return
            except urllib.error.URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Measure each step, and all of them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
        subprocess.run(wheel, check=True)
        scripts = folder / ".venv" / "bin"
        with step("from the empty folder"):
            with step("python -m venv"):
                subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
            with step("pip install onetrip"):
                subprocess.run([scripts / "pip", "install", "-q", next(folder.glob("*.whl"))], check=True)
            with step("onetrip new shop"):
                subprocess.run([scripts / "onetrip", "new", "shop"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            with step("onetrip serve"):
                first_answer(scripts / "onetrip", folder / "shop")


if __name__ == "__main__":
    main()
