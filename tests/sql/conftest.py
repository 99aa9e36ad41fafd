"""Both databases at once: answers are compared between them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.sql.answers import Service, serving
from tests.support.databases import Backend, Server, postgresql_backend, sqlite_backend

Serve = Callable[..., tuple[Service, Service]]


@pytest.fixture(scope="module")
def serve_both(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Serve the same tables on SQLite and on PostgreSQL."""
    with ExitStack() as stack:

        def serve(*resources: Any, **options: Any) -> tuple[Service, Service]:
            opened = (sqlite_backend(tmp_path_factory.mktemp("sqlite")), postgresql_backend(server))
            sqlite, postgresql = (stack.enter_context(each) for each in opened)
            first: Service = stack.enter_context(serving(sqlite, *resources, **options))
            return first, stack.enter_context(serving(postgresql, *resources, **options))

        yield serve


__all__ = ["Backend", "Serve"]
