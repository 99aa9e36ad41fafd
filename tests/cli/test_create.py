"""An empty database gets tables and seed, at once or not at all; any other is left alone and compared."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API, ConfigurationError, Resource
from onetrip.cli.create import Prepared, prepare
from onetrip.cli.load import Loaded
from tests.cli import projects
from tests.cli.conftest import Load
from tests.support import blog
from tests.support.databases import Backend

NOTHING_SAID: Any = lambda what, rows: None  # noqa: E731


def prepared(*apis: API) -> list[Prepared]:
    """Prepare the databases of APIs."""
    return asyncio.run(prepare(Loaded(FastAPI(), apis), NOTHING_SAID))


def tables(backend: Backend) -> list[str]:
    return sorted(sa.inspect(backend.engine()).get_table_names())


def count(backend: Backend, table: str) -> int:
    with backend.engine().connect() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def blog_api(backend: Backend) -> API:
    return API(blog.User, blog.Post, blog.Comment, database=backend.url, own=False)


def test_an_empty_database_gets_the_tables(backend: Backend) -> None:
    """Every table of the metadata is created, once."""
    first = prepared(blog_api(backend))
    assert [(found.created, found.rows, found.differences) for found in first] == [(3, None, ())]
    assert tables(backend) == ["comment", "onetrip_history", "onetrip_idempotency", "post", "user"]
    second = prepared(blog_api(backend))
    assert [(found.created, found.differences) for found in second] == [(0, ())]


def test_a_database_with_other_tables_is_left_alone(backend: Backend) -> None:
    """One foreign table is enough; what is missing is said."""
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    (found,) = prepared(blog_api(backend))
    assert found.created == 0
    assert sorted(found.differences) == [f"the table '{name}' is missing" for name in ("comment", "post", "user")]
    assert tables(backend) == ["other"]


def test_a_history_needs_its_table(backend: Backend) -> None:
    """It is there in a database that is created, and its lack in any other is said."""
    api = API(Resource(blog.User, history=True), database=backend.url, own=False)
    assert prepared(api)[0].differences == prepared(api)[0].differences == ()
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE onetrip_history")
    assert prepared(api)[0].differences == ("the table 'onetrip_history' is missing",)


def test_a_file_with_other_tables_stays_as_it_is(tmp_path: Path) -> None:
    """Not a byte of a foreign SQLite file changes: no write-ahead logging, no table."""
    file = tmp_path / "other.db"
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    engine.dispose()
    before = file.read_bytes()
    prepared(API(blog.User, database=f"sqlite:///{file}", own=False))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_created_has_write_ahead_logging(tmp_path: Path) -> None:
    """Readers of a file that is ours do not wait for a writer."""
    file = tmp_path / "ours.db"
    prepared(API(blog.User, database=f"sqlite:///{file}", own=False))
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    engine.dispose()


def test_tables_in_a_schema_of_their_own_are_created_with_it(backend: Backend) -> None:
    """On PostgreSQL an empty database gets the schemas that the tables name; SQLite has none, and says so."""

    class Base(SQLModel, registry=registry()):
        pass

    class Order(Base, table=True):
        __table_args__ = {"schema": "sales"}  # noqa: RUF012
        id: int | None = Field(default=None, primary_key=True)

    api = API(Order, database=backend.url)
    if backend.name == "sqlite":
        with pytest.raises(ConfigurationError, match="The tables cannot be created: unknown database sales"):
            prepared(api)
        return
    assert [found.created for found in prepared(api)] == [1]
    assert sa.inspect(backend.engine()).get_table_names(schema="sales") == ["order"]
    assert prepared(API(Order, database=backend.url))[0].differences == ()


def test_apis_of_one_database_are_created_together(backend: Backend) -> None:
    """The second API of a database does not find the first one's tables to be foreign."""

    class Base(SQLModel, registry=registry()):
        pass

    class Extra(Base, table=True):
        id: int | None = Field(default=None, primary_key=True)

    (found,) = prepared(blog_api(backend), API(Extra, database=backend.url))
    assert (found.created, found.differences) == (4, ())


def test_an_engine_of_the_code_is_not_touched(backend: Backend) -> None:
    """Who brings an engine creates the tables."""
    assert prepared(API(blog.User, engine=backend.engine())) == []
    assert tables(backend) == []


def test_tables_that_cannot_be_created_leave_nothing(backend: Backend) -> None:
    """A foreign key to nowhere is said in one sentence."""
    metadata = sa.MetaData()
    mapper = registry(metadata=metadata)

    @mapper.mapped
    class Child:
        __table__ = sa.Table(
            "child",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("p", sa.ForeignKey("nowhere.id")),
        )

    with pytest.raises(ConfigurationError, match=r"^The tables cannot be created: .*nowhere.* Nothing was created.$"):
        prepared(API(Child, database=backend.url))
    assert tables(backend) == []


# The seed


@pytest.fixture
def start(loading: Load, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a package with a seed for a database, and prepare it."""
    monkeypatch.setenv("ONETRIP_DATABASE_URL", backend.url)

    def load_and_prepare(seed: str = projects.SEED, said: Any = NOTHING_SAID) -> Prepared:
        loaded = loading("zoo", projects.PACKAGE | {"zoo/seed.py": seed})
        (found,) = asyncio.run(prepare(loaded, said))
        return found

    return load_and_prepare


def test_a_new_database_is_seeded_once(start: Any, backend: Backend) -> None:
    """The seed runs after the tables were created and never again; its rows are counted while it runs."""
    said: list[tuple[str, int | None]] = []
    found = start(said=lambda what, rows: said.append((what, rows)))
    assert (found.created, found.rows) == (2, 2501)
    assert count(backend, "animal") == 2500
    rows = [number for what, number in said if what == "Seeding"]
    assert rows[0] == 0 and rows[-1] == 2501 and len(rows) > 2
    again = start()
    assert (again.created, again.rows) == (0, None)
    assert count(backend, "animal") == 2500


def test_of_several_that_start_at_once_one_does_the_work(
    loading: Load, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait, find the tables, and neither create nor seed."""
    monkeypatch.setenv("ONETRIP_DATABASE_URL", backend.url)
    slow = projects.SEED.replace("    await session.flush()\n", "    await session.flush()\n    await sleep(0.2)\n")
    files = projects.PACKAGE | {"zoo/seed.py": "from asyncio import sleep\n" + slow}
    several = [loading("zoo", files) for _ in range(3)]

    async def together() -> list[list[Prepared]]:
        return await asyncio.gather(*(prepare(loaded, NOTHING_SAID) for loaded in several))

    found = [prepared for (prepared,) in asyncio.run(together())]
    assert sorted(prepared.created for prepared in found) == [0, 0, 2]
    assert count(backend, "animal") == 2500


def test_a_seed_that_fails_leaves_nothing_behind(start: Any, backend: Backend) -> None:
    """Also what it had committed: the next start begins again."""
    broken = projects.SEED + "    raise LookupError('no more animals')\n"
    with pytest.raises(ConfigurationError) as caught:
        start(broken)
    assert str(caught.value) == (
        "zoo/seed.py:10: LookupError: no more animals. The seed failed, and nothing of it was kept: the next start "
        "begins anew."
    )
    assert tables(backend) == []


def test_a_row_that_the_database_refuses_is_said_with_its_place(start: Any, backend: Backend) -> None:
    """A constraint that the seed violates is one sentence, with the line that did it."""
    with pytest.raises(ConfigurationError) as caught:
        start(projects.SEED.replace('name="Berlin"', "name=None"))
    assert str(caught.value).startswith("zoo/seed.py:7: IntegrityError: ")
    assert "\n" not in str(caught.value)
    assert tables(backend) == []


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("async def sed(session): ...\n", "zoo.seed: a seed is 'async def seed(session)'. Did you mean 'sed'?"),
        ("def seed(session): ...\n", "zoo.seed: a seed is 'async def seed(session)'."),
        ("1 / 0\n", "zoo/seed.py:1: ZeroDivisionError: division by zero."),
    ],
)
def test_a_seed_that_is_none_is_refused(start: Any, backend: Backend, seed: str, message: str) -> None:
    """`seed.py` without a coroutine called `seed` creates nothing."""
    with pytest.raises(ConfigurationError) as caught:
        start(seed)
    assert str(caught.value) == message
    assert tables(backend) == []
