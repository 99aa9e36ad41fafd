"""Database URLs: which database, by which driver, and what is wrong with the URL.

A URL is written as everywhere (`postgresql://…`, `sqlite:///file.db`). The driver is chosen here, and the options that
one driver knows and the other does not are said to each in its own words.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from onetrip.errors import ConfigurationError

_DIALECTS = {
    "sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "sqlite+aiosqlite": "sqlite",
    "postgresql": "postgresql", "postgres": "postgresql",
}  # fmt: skip
_ASYNC = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_SYNC = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_MODULES = {"postgresql+asyncpg": "asyncpg", "postgresql+psycopg": "psycopg"}

_CACHE_SIZES = ("statement_cache_size", "prepared_statement_cache_size")
_SSL = {"true": "require", "false": "disable"}

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_LIBPQ_AND_ASYNCPG = frozenset({
    "host", "port", "dbname", "user", "password", "passfile", "service", "sslmode", "sslcert", "sslkey", "sslrootcert",
    "sslnegotiation", "sslcrl", "sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version",
    "target_session_attrs", "krbsrvname", "gsslib", "application_name", "options", "client_encoding",
})  # fmt: skip
_LIBPQ_ALONE = frozenset({
    "hostaddr", "channel_binding", "connect_timeout", "fallback_application_name", "gssdelegation", "gssencmode",
    "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "require_auth",
    "requirepeer", "sslcertmode", "sslcompression", "sslcrldir", "sslsni", "tcp_user_timeout",
})  # fmt: skip


def parse_url(text: str) -> URL:
    """Parse a database URL and drop its driver: `postgres://…` and `postgresql+asyncpg://…` are `postgresql://…`.

    Raises `ConfigurationError` for text that is no URL, and for a database, driver or option that is not supported.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "The database URL cannot be read. It looks like sqlite:///app.db or postgresql://user:password@host/name."
        ) from None
    name, _, driver = url.drivername.partition("+")
    backend = _DIALECTS.get(url.drivername if name == "sqlite" and driver else name)
    if backend is None:
        raise ConfigurationError(f"The database '{url.drivername}' is not supported: use sqlite:/// or postgresql://.")
    if backend == "sqlite":
        return _sqlite(url)
    _cache_size(url)
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


def keeps_prepared(url: URL) -> bool:
    """Say whether statements that were prepared may be used again: `statement_cache_size=0` says no."""
    return _cache_size(url) != 0


def is_memory(url: URL) -> bool:
    """Say whether a SQLite URL names a database that each connection would have to itself, in memory."""
    if not url.database or url.database == ":memory:":
        return True
    return url.query.get("cache") != "shared" and (
        url.database == "file::memory:" or url.query.get("mode") == "memory" or "mode=memory" in url.database
    )


def asyncpg_arguments(url: URL) -> dict[str, Any]:
    """Say a URL to `asyncpg.connect`, which reads a DSN as libpq does and takes what it does not know for settings."""
    arguments: dict[str, Any] = {}
    options = _options(url)
    if "connect_timeout" in options:
        arguments["timeout"] = float(options["connect_timeout"])
    if (size := _cache_size(url)) is not None:
        arguments["statement_cache_size"] = size
    query = {name: value for name, value in options.items() if name not in _LIBPQ_ALONE}
    dsn = url.set(drivername="postgresql", query=query)
    return {**arguments, "dsn": dsn.render_as_string(hide_password=False)}


def psycopg_url(url: URL) -> URL:
    """Say a URL to psycopg: what libpq does not know is a setting of the server."""
    query: dict[str, str] = {}
    settings = []
    for name, value in _options(url).items():
        if name in _LIBPQ_AND_ASYNCPG or name in _LIBPQ_ALONE:
            query[name] = value
        else:
            settings.append(f"-c {name}=" + value.replace("\\", "\\\\").replace(" ", "\\ "))
    if settings:
        query["options"] = " ".join([*([query["options"]] if "options" in query else []), *settings])
    return sync_url(url).set(query=query)


def _options(url: URL) -> Mapping[str, str]:
    """Read the options of a PostgreSQL URL in libpq's words."""
    options = {
        name: value if isinstance(value, str) else ",".join(value)
        for name, value in url.query.items()
        if name not in _CACHE_SIZES
    }
    if "ssl" in options:  # as SQLAlchemy's asyncpg dialect is told
        ssl = options.pop("ssl")
        options.setdefault("sslmode", _SSL.get(ssl.lower(), ssl))
    return options


def _cache_size(url: URL) -> int | None:
    sizes = [url.query[name] for name in _CACHE_SIZES if name in url.query]
    if not all(isinstance(size, str) and size.isascii() and size.isdigit() for size in sizes):
        raise ConfigurationError(f"In the database URL, '{_CACHE_SIZES[0]}' is a whole number.")
    return min((int(str(size)) for size in sizes), default=None)


def _sqlite(url: URL) -> URL:
    if url.host or url.username or url.port:
        raise ConfigurationError(
            "A SQLite URL has three slashes before a relative path and four before an absolute one: sqlite:///app.db."
        )
    if url.query.get("uri") == "true":
        return url.set(drivername="sqlite")
    unknown = sorted(set(url.query) - {"check_same_thread"})
    if unknown:
        raise ConfigurationError(
            f"A SQLite URL takes no option '{unknown[0]}'; parameters of SQLite's own URIs need 'uri=true' beside them,"
            " as in sqlite:///file:app.db?mode=ro&uri=true."
        )
    in_file = url.database and url.database != ":memory:"
    return URL.create("sqlite", database=str(Path(url.database or "").absolute()) if in_file else None)


def _with_driver(url: URL, drivers: Mapping[str, str]) -> URL:
    drivername = drivers[url.drivername]
    module = _MODULES.get(drivername)
    if module is not None and importlib.util.find_spec(module) is None:
        raise ConfigurationError(
            f"PostgreSQL needs the driver '{module}', which is not installed: pip install 'onetrip[postgres]'"
        )
    return url.set(drivername=drivername)
