"""SQLite: reads in place and on workers, locks, memory, files of every kind."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from onetrip import API
from onetrip.db import sqlite
from onetrip.db.database import Database
from onetrip.db.sqlite import SQLiteReader
from onetrip.errors import Broken, Unavailable
from onetrip.settings import Pool
from tests.db.serving import TABLES, application, opened, outcomes, run, serving
from tests.support import blog
from tests.support.databases import Backend, sqlite_backend

COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT CAST(max(i) AS TEXT) FROM n"
)
SLOW = COUNT.format(300_000)
ENDLESS = COUNT.format(10**15)


@pytest.fixture
def blog_in_file(tmp_path: Path) -> Iterator[Backend]:
    with sqlite_backend(tmp_path) as backend:
        backend.create(blog.metadata, *blog.rows())
        yield backend


def exercise(url: str | URL, body: Callable[[Database, SQLiteReader], Awaitable[None]], **options: Any) -> None:
    """Run a body with a database of its own, in an event loop of its own."""

    async def main() -> None:
        async with opened(Database(url, **options)) as database:
            runner = database.connections().runner
            assert isinstance(runner, SQLiteReader)
            await body(database, runner)

    asyncio.run(main())


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process's connection, which holds the database for itself."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("UPDATE post SET title = 'changed' WHERE id = 1")
    yield connection
    connection.close()


def set_journal(path: Path, mode: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.close()


def test_a_short_read_is_run_in_place(blog_in_file: Backend) -> None:
    """A short statement needs no thread and no second connection."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        assert await run(database, "SELECT title FROM post WHERE id = 1") == b"Notes"
        assert [len(reader.opened), len(reader.spare), reader.slow] == [1, 0, {}]

    exercise(blog_in_file.url, body)


def test_a_long_read_leaves_the_event_loop_to_others(blog_in_file: Backend) -> None:
    """A long statement is interrupted in place and run on a worker."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        ticks = 0
        reading = asyncio.create_task(run(database, SLOW))
        while not reading.done():
            await asyncio.sleep(0.001)
            ticks += 1
        assert await reading == b"300000"
        assert ticks > 5
        assert len(reader.opened) == 2

    exercise(blog_in_file.url, body)


def test_what_was_slow_is_tried_in_place_again_later(blog_in_file: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow statement goes to a worker straight away for a while; one statement does not slow another down."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        interrupted = []
        remember = reader._remember
        reader._remember = lambda text: (interrupted.append(text), remember(text))[1]  # type: ignore[method-assign]
        for _ in range(3):
            await run(database, SLOW)
            await run(database, "SELECT 'short'")
        assert interrupted == [SLOW]
        reader.slow[SLOW] = 0.0  # its time is over
        await run(database, SLOW)
        assert interrupted == [SLOW, SLOW]
        for number in range(1_100):
            reader._remember(f"another {number}")
        assert len(reader.slow) < 1_010

    exercise(blog_in_file.url, body)


def test_long_reads_do_not_hold_up_short_ones_nor_wait_for_ever(blog_in_file: Backend) -> None:
    """Every worker is busy: another long read is refused after the timeout, and short reads are answered meanwhile."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        endless = [asyncio.create_task(run(database, ENDLESS)) for _ in range(4)]
        await asyncio.sleep(0.05)
        assert await run(database, "SELECT 'short'") == b"short"
        answers = await outcomes(run(database, ENDLESS), run(database, SLOW))
        assert [str(answer) for answer in answers] == ["Every database connection is busy."] * 2
        for task in endless:
            task.cancel()
        await outcomes(*endless)
        assert await run(database, SLOW) == b"300000"  # those who left gave their workers back

    exercise(blog_in_file.url, body, pool=Pool(timeout=0.2))


def test_a_request_that_is_gone_stops_its_statement(blog_in_file: Backend) -> None:
    """Cancelling a request interrupts its worker; neither workers nor connections are lost in 200 cancellations."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        for number in range(200):
            try:
                async with asyncio.timeout(0.001 * (number % 5)):
                    await asyncio.gather(run(database, ENDLESS), run(database, SLOW))
            except TimeoutError:
                pass
        assert await asyncio.gather(*(run(database, SLOW) for _ in range(4))) == [b"300000"] * 4
        assert len(reader.spare) == len(reader.opened) - 1 <= 4

    exercise(blog_in_file.url, body)


def test_closing_ends_what_still_runs(blog_in_file: Backend) -> None:
    """A database is closed without waiting for a statement that never ends; who waits for that is told so."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        endless = asyncio.create_task(run(database, ENDLESS))
        await asyncio.sleep(0.05)
        await database.close()
        assert isinstance((await outcomes(endless))[0], Unavailable)
        assert (reader.opened, reader.spare) == ([], [])
        assert await run(database, "SELECT 'open again'") == b"open again"

    exercise(blog_in_file.url, body)


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_locked_database_is_waited_for_beside_the_event_loop(blog_in_file: Backend, journal: str) -> None:
    """While another process writes, a read waits on a worker (or reads the state before it, in WAL) and is answered."""
    path = Path(blog_in_file.url.removeprefix("sqlite:///"))
    set_journal(path, journal)

    async def body(database: Database, reader: SQLiteReader) -> None:
        await run(database, "SELECT 1 FROM post")
        with writing(path) as other:
            reading = [asyncio.create_task(run(database, "SELECT title FROM post WHERE id = 1")) for _ in range(10)]
            await asyncio.sleep(0.05)
            if journal == "wal":
                assert await outcomes(*reading) == [b"Notes"] * 10
            else:
                assert not any(task.done() for task in reading)
            assert await run(database, "SELECT 1") == 1  # the loop is free, and this needs no lock
            other.execute("COMMIT")
            assert set(await outcomes(*reading)) == {b"Notes" if journal == "wal" else b"changed"}
        assert reader.slow == {}

    exercise(blog_in_file.url, body, own=False)


def test_a_database_that_stays_locked_is_unavailable(blog_in_file: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is not let go of in time is a 503, not a traceback."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 50)
    path = Path(blog_in_file.url.removeprefix("sqlite:///"))

    async def body(database: Database, reader: SQLiteReader) -> None:
        with writing(path) as other:
            with pytest.raises(Unavailable):
                await run(database, "SELECT title FROM post WHERE id = 1")
            other.execute("COMMIT")
        assert await run(database, "SELECT title FROM post WHERE id = 1") == b"changed"

    exercise(blog_in_file.url, body, own=False)


@pytest.mark.parametrize(
    ("statement", "arguments", "raised"),
    [
        ("SELECT nothing FROM post", (), Broken),
        ("SELECT 1 FROM nothing", (), Broken),
        ("SELECT ?", (), Broken),  # a ProgrammingError of Python's own
        ("SELECT ?", (object(),), Broken),
        ("SELECT onetrip_base64(1, 2)", (), Broken),  # a function that is called wrongly
        ("UPDATE post SET title = 'x'", (), Unavailable),  # nothing is written on this way
    ],
)
def test_what_a_driver_raises_is_a_problem(
    blog_in_file: Backend, statement: str, arguments: tuple[Any, ...], raised: type[Exception]
) -> None:
    """Each of the driver's exceptions becomes an answer, and the connection goes on."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        with pytest.raises(raised):
            await reader.fetch(statement, arguments)
        assert await run(database, "SELECT title FROM post WHERE id = 1") == b"Notes"

    exercise(blog_in_file.url, body)


@pytest.mark.parametrize(
    "name", ["a b.db", "what?.db", "a#b.db", "100%.db", "ü.db", "a%20b.db", "file:x.db", "it's.db"]
)
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    """The request path and both kinds of session open the same file, whatever its name."""
    url = URL.create("sqlite", database=str(tmp_path / name)).render_as_string()
    Backend("sqlite", url).create(blog.metadata, *blog.rows())
    check_all_ways(API(*TABLES, database=url))
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in tmp_path.iterdir()} == {name}


def check_all_ways(api: API, users: int = 2) -> None:
    """Read by a request, an asynchronous and a synchronous session."""

    async def main() -> None:
        async with serving(application(api)) as client:
            assert len((await client.get("/users")).json()) == users
            async with api.database.engine.connect() as connection:
                assert (await connection.exec_driver_sql("SELECT count(*) FROM user")).scalar() == users
            with api.database.sync_engine.connect() as synchronous:
                assert synchronous.exec_driver_sql("SELECT count(*) FROM user").scalar() == users

    asyncio.run(main())


def test_a_relative_path_is_relative_to_where_the_process_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that changes its directory later goes on with the same file."""
    monkeypatch.chdir(tmp_path)
    Backend("sqlite", "sqlite:///relative.db").create(blog.metadata, *blog.rows())
    api = API(*TABLES, database="sqlite:///relative.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    check_all_ways(api)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite://", "sqlite:///file::memory:?uri=true"]
)
def test_a_database_in_memory_is_one_database(url: str) -> None:
    """Requests and both kinds of session share it, it outlives event loops, and each API has its own."""
    first, second = API(*TABLES, database=url), API(*TABLES, database=url)
    blog.metadata.create_all(first.database.sync_engine)
    with first.database.sync_engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO user VALUES (1, 'a@b', 'ada', NULL, 'x', '2026-01-01 00:00:00.000000')")
    for _ in range(2):
        check_all_ways(first, users=1)
    with second.database.sync_engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar() == 0
    second.database.sync_engine.dispose()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(None, 503, id="no folder"),
        pytest.param("", 503, id="no file"),
        pytest.param(b"this is no database, but long enough to be looked at" * 100, 503, id="something else"),
        pytest.param(b"", 500, id="an empty database"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes | None, status: int) -> None:
    """No traceback, no file that reading has made, and it goes on when the file is there."""
    path = tmp_path / "folder" / "test.db"
    if content is not None:
        path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    api = API(*TABLES, database=f"sqlite:///{path}")
    with TestClient(application(api)) as client:
        answer = client.get("/posts")
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert client.get("/readyz").status_code == (200 if status == 500 else 503)
        assert path.exists() == isinstance(content, bytes)
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        if not isinstance(content, bytes):
            Backend("sqlite", f"sqlite:///{path}").create(blog.metadata, *blog.rows())
            assert client.get("/posts").status_code == 200


def test_own_says_whether_the_file_is_changed(blog_in_file: Backend) -> None:
    """A database of ours gets write-ahead logging with its first session, one that we only serve stays as it is."""
    path = blog_in_file.url.removeprefix("sqlite:///")

    def mode() -> str:
        connection = sqlite3.connect(path)
        found = connection.execute("PRAGMA journal_mode").fetchone()[0]
        connection.close()
        return str(found)

    for own, expected in ((False, "delete"), (True, "wal")):
        check_all_ways(API(*TABLES, database=blog_in_file.url, own=own))
        assert mode() == expected


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_connection_that_is_closed_holds_no_lock(blog_in_file: Backend, kind: str) -> None:
    """A session that ends in the middle of a read, as when its request is cancelled, lets others write."""

    def write() -> None:
        other = sqlite3.connect(blog_in_file.url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
        other.execute("UPDATE post SET views = 1")
        other.close()

    async def body(database: Database, reader: SQLiteReader) -> None:
        known: list[Any] = []  # as a traceback knows cursors
        if kind == "async":
            async with database.engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None
                known += [await driver.execute("BEGIN IMMEDIATE"), await driver.execute("SELECT id FROM post")]
                await driver.close()
                write()
        else:
            with database.sync_engine.connect() as synchronous:
                raw = synchronous.connection.driver_connection
                assert raw is not None
                known += [raw.execute("BEGIN IMMEDIATE"), raw.execute("SELECT id FROM post")]
                synchronous.invalidate()
                write()

    exercise(blog_in_file.url, body)


def test_connections_are_safe_by_default(blog_in_file: Backend) -> None:
    """Sessions of both kinds enforce foreign keys and wait for locks; the request path cannot write."""

    async def body(database: Database, reader: SQLiteReader) -> None:
        asked = {"foreign_keys": 1, "busy_timeout": 5000}
        for pragma, expected in asked.items():
            async with database.engine.connect() as connection:
                assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == expected
            with database.sync_engine.connect() as synchronous:
                assert synchronous.exec_driver_sql(f"PRAGMA {pragma}").scalar() == expected
        assert await run(database, "PRAGMA query_only") == 1

    exercise(blog_in_file.url, body)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up root's right to write everywhere."""
    if (user := os.geteuid()) != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(("journal", "status"), [("delete", 200), ("wal", 503)])
def test_a_file_that_may_only_be_read(journal: str, status: int) -> None:
    """It is read by requests and sessions, and a write says so; SQLite cannot read WAL without writing beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder, url = Path(name), f"sqlite:///{name}/test.db"
        backend = Backend("sqlite", url)
        backend.create(blog.metadata, *blog.rows())
        set_journal(folder / "test.db", journal)
        check_all_ways(API(*TABLES, database=url, own=False))  # imports what it needs
        (folder / "test.db").chmod(0o444)
        folder.chmod(0o555)
        api = API(*TABLES, database=url)
        with unprivileged(), TestClient(application(api)) as client:
            assert client.get("/users/1").status_code == status
            if status == 200:
                with api.database.sync_engine.connect() as connection:
                    assert connection.exec_driver_sql("SELECT count(*) FROM user").scalar() == 2
                    with pytest.raises(OperationalError, match="readonly"):
                        connection.exec_driver_sql("DELETE FROM comment")
        folder.chmod(0o755)
