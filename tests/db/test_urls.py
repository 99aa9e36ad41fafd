"""Database URLs: every form that people write, and what is said about the others."""

import asyncio
import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from onetrip import API
from onetrip.db.database import Database
from onetrip.db.url import asyncpg_arguments, keeps_prepared, parse_url, psycopg_url, shown
from onetrip.errors import ConfigurationError
from onetrip.settings import Pool
from tests.db.serving import TABLES, opened, run
from tests.support.databases import Backend


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("nothing", "cannot be read"),
        ("postgresql://host:port/name", "cannot be read"),
        ("mysql://localhost/test", "'mysql' is not supported"),
        ("oracle+oracledb://localhost", "'oracle\\+oracledb' is not supported"),
        ("sqlite+pysqlcipher:///x.db", "'sqlite\\+pysqlcipher' is not supported"),
        ("sqlite://x.db", "three slashes before a relative path"),
        ("sqlite:///x.db?mode=ro", "no option 'mode'.*uri=true"),
        ("sqlite:///x.db?timeout=5", "no option 'timeout'"),
        ("postgresql://localhost/x?statement_cache_size=none", "'statement_cache_size' is a whole number"),
    ],
)
def test_a_url_that_cannot_be_served_is_refused_with_the_reason(text: str, said: str) -> None:
    """One sentence at start, without the password."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        Database(text)
    assert "secret" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    """Neither by a URL that is shown, nor by the error for one that cannot be read."""
    assert shown(parse_url("postgres://u:secret@host/x")) == "postgresql://u:***@host/x"
    with pytest.raises(ConfigurationError) as caught:
        parse_url("postgresql://u:secret@host:port/x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "prefix",
    [
        "postgres",
        "postgresql",
        "postgresql+asyncpg",
        "postgresql+psycopg",
        "postgresql+psycopg2",
        "postgresql+psycopg_async",
    ],
)
def test_the_driver_in_a_url_does_not_matter(prefix: str) -> None:
    """Whatever driver a URL names, the one that fits is used."""
    url = parse_url(f"{prefix}://u:p%40ss@host:5433/name")
    assert url.drivername == "postgresql"
    assert asyncpg_arguments(url) == {"dsn": "postgresql://u:p%40ss@host:5433/name"}
    assert psycopg_url(url).render_as_string(hide_password=False) == "postgresql+psycopg://u:p%40ss@host:5433/name"


OPTIONS = [
    ("", {}),
    ("application_name=here", {"application_name": "here"}),
    ("sslmode=disable", {}),
    ("ssl=disable", {}),
    ("connect_timeout=7", {}),
    ("keepalives=1&keepalives_idle=30&channel_binding=disable&gssencmode=disable&target_session_attrs=any", {}),
    ("search_path=pg_catalog", {"search_path": "pg_catalog"}),
    ("options=-c%20search_path%3Dpg_catalog", {"search_path": "pg_catalog"}),
    (
        "options=-csearch_path%3Dpg_catalog&statement_timeout=4s",
        {"search_path": "pg_catalog", "statement_timeout": "4s"},
    ),
    ("DateStyle=SQL,%20DMY", {"datestyle": "SQL, DMY"}),
    ("statement_cache_size=0", {}),
    ("prepared_statement_cache_size=0", {}),
]


@pytest.mark.parametrize(("options", "settings"), OPTIONS)
def test_an_option_means_the_same_to_both_drivers(postgres: Backend, options: str, settings: dict[str, str]) -> None:
    """Requests, asynchronous and synchronous sessions connect with the same settings, in a socket's directory too."""
    database = Database(f"{postgres.url}&{options}")

    async def main() -> None:
        async with opened(database):
            for name, expected in settings.items():
                show = f"SELECT current_setting('{name}')"
                async with database.engine.connect() as connection:
                    assert (await connection.exec_driver_sql(show)).scalar() == expected
                with database.sync_engine.connect() as synchronous:
                    assert synchronous.exec_driver_sql(show).scalar() == expected
                assert await run(database, show) == expected
            await database.ping()
            with database.sync_engine.connect() as synchronous:
                synchronous.exec_driver_sql("SELECT 1")

    asyncio.run(main())
    assert keeps_prepared(database.url) == ("cache_size=0" not in options)


def test_nothing_is_prepared_for_a_pooler(postgres: Backend) -> None:
    """Without prepared statements none is kept on the server: not by requests, not by sessions of either kind."""

    async def main(database: Database) -> None:
        async with opened(database):
            prepared = "SELECT count(*) FROM pg_prepared_statements"
            async with database.engine.connect() as connection:
                for number in range(10):
                    await connection.exec_driver_sql(f"SELECT {number}")
                assert (await connection.exec_driver_sql(prepared)).scalar() == 0
            with database.sync_engine.connect() as synchronous:
                for _ in range(10):
                    assert synchronous.exec_driver_sql(prepared).scalar() == 0
            for _ in range(10):
                assert await run(database, prepared) == 0

    asyncio.run(main(Database(f"{postgres.url}&statement_cache_size=0")))
    asyncio.run(main(Database(postgres.url, pool=Pool(prepared=False))))


def test_parameters_of_sqlite_uris(tmp_path: Path) -> None:
    """With `uri=true` SQLite's own parameters work, for requests and for sessions."""
    path = tmp_path / "a?b.db"
    Backend("sqlite", f"sqlite:///{quote(str(path))}").create(sa.MetaData())
    assert path.exists()
    database = Database(f"sqlite:///file:{quote(quote(str(path)))}?mode=ro&uri=true")

    async def main() -> None:
        async with opened(database):
            assert await run(database, "SELECT count(*) FROM sqlite_schema") == 0
            with database.sync_engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
                connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
            async with database.engine.connect() as asynchronous:
                with pytest.raises(sa.exc.OperationalError, match="readonly"):
                    await asynchronous.exec_driver_sql("CREATE TABLE t (id INTEGER)")

    asyncio.run(main())


@pytest.mark.parametrize("missing", ["asyncpg", "psycopg"])
def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Without the extra, PostgreSQL is refused with the command that installs it; SQLite needs nothing."""
    found = importlib.util.find_spec

    def without(name: str, *arguments: Any) -> Any:
        return None if name == missing else found(name, *arguments)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    API(*TABLES, database="sqlite://")
    with pytest.raises(
        ConfigurationError, match=rf"'{missing}', which is not installed: pip install 'onetrip\[postgres\]'"
    ):
        API(*TABLES, database="postgresql://localhost/x").database.sync_engine.connect()
