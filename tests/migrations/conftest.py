"""The databases of migrations: also the newest PostgreSQL, whose catalogue holds more."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.databases import Backend, Server, postgresql, postgresql_backend, sqlite_backend


@pytest.fixture(scope="session")
def newest_server() -> Iterator[Server]:
    """A server of PostgreSQL 18, beside the one of the whole run."""
    with TemporaryDirectory(prefix="onetrip-") as folder, postgresql(Path(folder) / "data", version=18) as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql", "newest"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """An empty database: on SQLite, on PostgreSQL 16, and on 18."""
    if request.param == "sqlite":
        with sqlite_backend(tmp_path) as made:
            yield made
    else:
        server = request.getfixturevalue("server" if request.param == "postgresql" else "newest_server")
        with postgresql_backend(server) as made:
            yield made
