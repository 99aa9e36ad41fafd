"""Both databases at once: answers are compared between them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.sql.answers import Serve, Service, serving
from tests.support.databases import Server, postgresql_backend, sqlite_backend


@pytest.fixture(scope="module")
def serve_both(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Serve the same tables on SQLite and on PostgreSQL."""
    with ExitStack() as stack:

        def serve(*resources: Any, **options: Any) -> tuple[Service, Service]:
            sqlite = stack.enter_context(sqlite_backend(tmp_path_factory.mktemp("sqlite")))
            postgresql = stack.enter_context(postgresql_backend(server))
            return (
                stack.enter_context(serving(sqlite, *resources, **options)),
                stack.enter_context(serving(postgresql, *resources, **options)),
            )

        yield serve
