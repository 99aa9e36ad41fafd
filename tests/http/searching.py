"""Tables that are searched, with their index, served from one database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from onetrip.cli.searching import create_indexes
from tests.schema.serving import Served, served
from tests.support.databases import Backend


@contextmanager
def searched(backend: Backend, *resources: Any, rows: Sequence[Any] = (), **options: Any) -> Iterator[Served]:
    """Create tables and rows, and then the indexes, as `onetrip db install` does."""
    with served(backend, *resources, rows=rows, **options) as found:
        install(found)
        yield found


def install(found: Served) -> tuple[list[str], list[str]]:
    """Create the indexes that are missing."""
    with found.engine.begin() as connection:
        return create_indexes(connection, [found.api])


def keys(found: Served, path: str, q: str) -> list[Any]:
    """Search, and answer the keys of what is found, in its order."""
    separator = "&" if "?" in path else "?"
    return [row["id"] for row in found.get(f"{path}{separator}q={quote(q, safe='')}")]
