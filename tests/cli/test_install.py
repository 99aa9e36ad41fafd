"""`onetrip db install`: our own tables, in a database that is somebody else's, and nothing else."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API
from onetrip.cli.install import Installed, installed
from onetrip.cli.load import load
from onetrip.cli.target import parse_target
from tests.cli import projects
from tests.cli.conftest import Command
from tests.cli.serving import write
from tests.support.databases import Backend

OWN = ("onetrip_history", "onetrip_idempotency")


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Thing(Base, table=True):
    id: int = Field(primary_key=True)


class Other(Base, table=True):
    id: int = Field(primary_key=True)


def tables(backend: Backend) -> list[str]:
    return sorted(sa.inspect(backend.engine()).get_table_names())


def run(*apis: API) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    found: list[Installed] = asyncio.run(installed(apis))
    return [(each.created, each.there) for each in found]


def test_only_what_is_ours_is_created(backend: Backend) -> None:
    """The tables of the code are not; a second time, nothing is; several APIs of a database are one."""
    backend.create(Thing.metadata)
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE other")
    api = API(Thing, Other, database=backend.url)
    assert run(api, API(Other, database=backend.url)) == [(OWN, ())]
    assert tables(backend) == sorted([*OWN, "thing"])
    assert run(api) == [((), OWN)]


def test_what_is_missing_is_added(backend: Backend) -> None:
    """What is there stays as it is, with its rows."""
    api = API(Thing, database=backend.url)
    run(api)
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE onetrip_history")
        connection.execute(sa.insert(api.own_tables.tables[OWN[1]]).values(caller="c", key="k", request="r"))
    assert run(api) == [(OWN[:1], OWN[1:])]
    with backend.engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM onetrip_idempotency").scalar() == 1


def test_the_command_says_what_it_did(command: Command, here: Path) -> None:
    """By name, and by database."""
    rows = "\n\nclass Zoo(Base, table=True):\n    id: Optional[int] = Field(default=None, primary_key=True)\n"
    write(here, {"zoo.py": projects.BASE + rows})
    first = command("db", "install", "zoo.py", "--database", "sqlite:///other.db")
    assert (first.code, first.errors) == (0, "")
    assert first.output == "sqlite:///other.db: created onetrip_history and onetrip_idempotency\n"
    second = command("db", "install", "zoo.py", "--database", "sqlite:///other.db")
    assert second.output == "sqlite:///other.db: onetrip_history and onetrip_idempotency are there already\n"
    engine = sa.create_engine("sqlite:///other.db")
    assert sorted(sa.inspect(engine).get_table_names()) == list(OWN)
    engine.dispose()


def test_keys_are_offered_where_they_can_be_kept(backend: Backend) -> None:
    """A database that is served as it is has no `Idempotency-Key` in its OpenAPI until the table is there."""
    backend.create(Thing.metadata)
    assert not offers_keys(backend)
    run(API(Thing, database=backend.url))
    assert offers_keys(backend)
    api = API(Thing, database=backend.url, idempotency_keys=None)
    app = FastAPI()
    app.include_router(api.router)
    assert "Idempotency-Key" not in str(app.openapi())


def offers_keys(backend: Backend) -> bool:
    app = load(parse_target(backend.url), lambda stage, done, total: None).app
    assert isinstance(app, FastAPI)
    return "Idempotency-Key" in str(app.openapi())


def test_what_is_wrong_is_said(command: Command, here: Path) -> None:
    """In one sentence."""
    done = command("db", "install", "nothing.py")
    assert done.code == 1
    assert done.errors.startswith("Error: ") and done.errors.count("\n") == 1
    assert command("db").code == 2
