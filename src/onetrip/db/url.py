"""Database URLs: which database, by which driver, and what is wrong with the URL.

A URL is written as everywhere (`postgresql://…`, `sqlite:///file.db`); the driver is chosen here, an explicit one is
kept where it fits.
"""

import importlib.util
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from onetrip.errors import ConfigurationError

_DIALECTS = {
    "sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql",
}  # fmt: skip
_ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_SYNC = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_MODULES = {"postgresql+asyncpg": "asyncpg", "postgresql+psycopg": "psycopg"}


def parse_url(text: str) -> URL:
    """Parse a database URL and drop its driver: `postgres://…` and `postgresql+asyncpg://…` are `postgresql://…`.

    Raises `ConfigurationError` for text that is no URL, and for a database that is not supported.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "The database URL cannot be read. It looks like sqlite:///app.db or postgresql://user:password@host/name."
        ) from None
    backend = _DIALECTS.get(url.drivername.partition("+")[0])
    if backend is None:
        raise ConfigurationError(f"The database '{url.drivername}' is not supported: use sqlite:/// or postgresql://.")
    return url.set(drivername=backend)


def is_url(text: str) -> bool:
    """Say whether a target is a database URL."""
    return "://" in text


def shown(url: URL) -> str:
    """Write a URL for people: without its password."""
    return url.render_as_string(hide_password=True)


def async_url(url: URL) -> URL:
    """Choose the asynchronous driver. Raises `ConfigurationError` when it is not installed."""
    return _with_driver(url, _ASYNC)


def sync_url(url: URL) -> URL:
    """Choose the synchronous driver. Raises `ConfigurationError` when it is not installed."""
    return _with_driver(url, _SYNC)


def _with_driver(url: URL, drivers: dict[str, str]) -> URL:
    drivername = drivers[url.drivername]
    module = _MODULES.get(drivername)
    if module is not None and importlib.util.find_spec(module) is None:
        raise ConfigurationError(
            f"PostgreSQL needs the driver '{module}', which is not installed: pip install 'onetrip[postgres]'"
        )
    return url.set(drivername=drivername)


def asyncpg_arguments(url: URL) -> dict[str, Any]:
    """Split a URL into the arguments of `asyncpg.connect`, which reads a DSN as libpq does (`sslmode`, sockets).

    `statement_cache_size=0` in the URL (for PgBouncer before 1.21) becomes the argument of that name.
    """
    query = dict(url.query)
    query.pop("channel_binding", None)  # asyncpg negotiates it and knows no such option
    arguments: dict[str, Any] = {}
    for name in ("statement_cache_size", "prepared_statement_cache_size"):
        if name in query:
            arguments["statement_cache_size"] = int(str(query.pop(name)))
    dsn = url.set(drivername="postgresql", query=query)
    return {"dsn": dsn.render_as_string(hide_password=False), **arguments}
