"""Fixtures of every test: one behaviour runs on SQLite and on a real PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.databases import Backend, Server, postgresql, postgresql_backend, sqlite_backend


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What hypothesis makes up runs without coverage: a line that luck reaches is not tested, and tracing is slow."""
    for item in items:
        if getattr(getattr(item, "function", None), "is_hypothesis_test", False):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for the whole run: version 16, or the one of `ONETRIP_TEST_POSTGRESQL`.

    Its files are in memory where there is plenty, because it makes thousands of databases. They are not in pytest's
    own folder, which every other run closes to other users: run by root, the server is one.
    """
    version = int(os.environ.get("ONETRIP_TEST_POSTGRESQL", "16"))
    memory = "/dev/shm" if Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 2**33 else None
    with (
        TemporaryDirectory(prefix="onetrip-", dir=memory) as folder,
        postgresql(Path(folder) / "data", version) as started,
    ):
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """An empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        with sqlite_backend(tmp_path) as made:
            yield made
    else:
        with postgresql_backend(request.getfixturevalue("server")) as made:
            yield made


@pytest.fixture(autouse=True)
def no_database_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the developer's own shell does not choose the database of a test."""
    monkeypatch.delenv("ONETRIP_DATABASE_URL", raising=False)
