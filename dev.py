#!/usr/bin/env python3
"""Everything that a developer of onetrip does, by one command each.

    python3 dev.py serve    serve the CodeClash example on SQLite (arguments go to `onetrip serve`)
    python3 dev.py test     run every test, on SQLite and PostgreSQL (arguments go to pytest)
    python3 dev.py lint     ruff, mypy and the import contracts
    python3 dev.py check    lint, then test: what CI runs
    python3 dev.py bench    compare speed (arguments go to benchmarks/run.py)
    python3 dev.py faults   kill the server while clients write; count (arguments go to tests/faults/run.py)
    python3 dev.py lock     write constraints.txt anew, from the newest releases that fit

Each makes `.venv` first, with everything in it, and makes it again when `pyproject.toml` or `constraints.txt` changed.
Needs Python 3.11 or later with its standard library, and a network the first time.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - who has an older one should be told so, not shown a traceback
    sys.exit("dev.py: onetrip needs Python 3.11 or later, and this is {}.{}.".format(*sys.version_info))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "made-by-dev.py"
CONSTRAINTS = ROOT / "constraints.txt"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PACKAGES = ("--editable", ".[postgres,codeclash]", "--group", "test", "--group", "lint")
LINTERS = (
    ("-m", "ruff", "check", "."),
    ("-m", "ruff", "format", "--check", "."),
    ("-m", "mypy"),
    ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),  # it has no `-m`
)


def main(arguments: list[str]) -> int:
    """Run one command. Answers its exit code."""
    command, *rest = arguments or ["--help"]
    if command not in COMMANDS:
        print(__doc__)
        return 0 if command in ("help", "-h", "--help") else 2
    os.chdir(ROOT)
    return COMMANDS[command](rest)


def serve(arguments: list[str]) -> int:
    """Serve the example, or another target when one is named."""
    set_up()
    command = [str(PYTHON), "-m", "onetrip", "serve", "examples/codeclash", *arguments]
    if os.name == "posix":
        os.execv(PYTHON, command)  # signals reach the server itself
    return run(*command)


def test(arguments: list[str]) -> int:
    """Run the tests; all of them, side by side and with the coverage gate, when none are named."""
    set_up()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start hundreds of processes: each would compile everything
    processes = min((os.cpu_count() or 1) + 1, 5)  # one more than cores: they wait for databases and servers
    whole = ["--cov", f"--numprocesses={processes}", "--dist=worksteal", "--durations=40", "--durations-min=5"]
    return run(PYTHON, "-m", "pytest", *(arguments or whole))


def lint(arguments: list[str]) -> int:
    """Run every linter, and fail if one does."""
    set_up()
    return max(run(PYTHON, *linter) for linter in LINTERS)


def check(arguments: list[str]) -> int:
    """Lint, then test."""
    return lint([]) or test([])


def bench(arguments: list[str]) -> int:
    """Run the benchmark."""
    set_up()
    return run(PYTHON, "benchmarks/run.py", *arguments)


def faults(arguments: list[str]) -> int:
    """Run the long form of the kill test."""
    set_up()
    return run(PYTHON, "-W", "ignore", "-m", "tests.faults.run", *arguments)


def lock(arguments: list[str]) -> int:
    """Install the newest releases that fit in a new environment, and write down which they are."""
    with tempfile.TemporaryDirectory() as folder:
        python = make_venv(Path(folder) / "venv")
        install(python, "--upgrade", "pip")
        install(python, *PACKAGES, "hatchling", "editables")
        frozen = subprocess.run(
            [python, "-m", "pip", "freeze", "--all", "--exclude-editable"], check=True, capture_output=True, text=True
        ).stdout
    kept = [line for line in frozen.splitlines() if not line.startswith("setuptools==")]
    CONSTRAINTS.write_text("# Written by `python3 dev.py lock`.\n" + "\n".join(kept) + "\n", encoding="utf-8")
    print(f"constraints.txt: {len(kept)} packages")
    return 0


def set_up() -> None:
    """Make `.venv` unless it is there and up to date."""
    stamp = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == stamp and PYTHON.exists():
        return
    if VENV.exists():
        if not STAMP.is_file():
            refuse(f"{VENV.name} was not made by dev.py: move it out of the way, then try again.")
        shutil.rmtree(VENV)
    say(f"making .venv with Python {sys.version.split()[0]}")
    make_venv(VENV)
    STAMP.write_text("unfinished")
    say("installing packages, which takes about a minute the first time")
    install(PYTHON, "--constraint", str(CONSTRAINTS), "pip")
    install(PYTHON, "--constraint", str(CONSTRAINTS), "--build-constraint", str(CONSTRAINTS), *PACKAGES)
    STAMP.write_text(stamp)


def fingerprint() -> str:
    """Name everything on which the environment depends."""
    digest = hashlib.sha256(f"{sys.version} {sys.prefix} {PACKAGES}".encode())
    for file in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / file).read_bytes())
    return digest.hexdigest()


def make_venv(folder: Path) -> Path:
    """Make an environment with pip. Answers its interpreter."""
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        refuse("this Python has no 'venv' module. On Debian and Ubuntu: apt install python3-venv")
    made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True)
    if made.returncode:
        refuse(f"could not make an environment in {folder}: {last_line(made.stderr or made.stdout)}")
    return folder / PYTHON.relative_to(VENV)


def install(python: Path, *requirements: str) -> None:
    """Install with pip, showing one line of what it does."""
    command = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *requirements]
    shown = sys.stderr.isatty()
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line)
            if shown and line.strip():
                print(f"\r\033[K  {line.strip()[:76]}", end="", file=sys.stderr, flush=True)
    if shown:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if process.returncode:
        refuse(f"pip could not install the packages: {what_went_wrong(lines)}")


def what_went_wrong(lines: list[str]) -> str:
    """Find in pip's output what stopped it: the last thing that it says is a consequence."""
    if any("connection broken" in line for line in lines):
        return "the package index cannot be reached. Is there a network?"
    return next((line.strip() for line in lines if line.startswith("ERROR")), last_line("".join(lines)))


def run(*command: object) -> int:
    """Run a command and answer its exit code; an interrupt is for the command, not for us."""
    with subprocess.Popen([str(part) for part in command]) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def say(message: str) -> None:
    """Tell what is being done."""
    print(f"dev.py: {message} …", file=sys.stderr, flush=True)


def refuse(message: str) -> None:
    """Give up, with one sentence."""
    sys.exit(f"dev.py: {message}")


def last_line(text: str) -> str:
    """Answer the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


COMMANDS = {command.__name__: command for command in (serve, test, lint, check, bench, faults, lock)}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
