"""What `onetrip serve` does with migrations: an empty database is made by them, and a missing one is offered."""

import asyncio
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API, ConfigurationError, Resource, Settings
from onetrip.cli import by_revisions, offering
from onetrip.cli.create import Prepared
from onetrip.cli.load import Loaded
from onetrip.cli.managed import folder_of, managed, project_in
from onetrip.cli.offering import Offer, offered
from onetrip.cli.revising import New, new
from onetrip.cli.serve import Options, _nothing
from onetrip.cli.target import ModuleTarget, parse_target
from onetrip.migrations.check import check
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options as Quiet
from onetrip.migrations.run import up
from onetrip.migrations.template import initialize
from tests.cli.serving import write
from tests.support.databases import Backend, sqlite_backend

NOTHING_SAID: Any = lambda what, rows: None  # noqa: E731


def tables(**more: Any) -> tuple[type[SQLModel], ...]:
    """Tables as they are at a moment: `note` may have more columns."""

    class Base(SQLModel, registry=registry()):
        pass

    columns = {name: (each[0], each[1]) for name, each in more.items()}
    body = {"__annotations__": {"id": int | None, "text": str} | {name: kind for name, (kind, _) in columns.items()}}
    body |= {"id": Field(default=None, primary_key=True), "__module__": __name__}
    body |= {name: field for name, (_, field) in columns.items()}
    return (type("Note", (Base,), body, table=True),)


class Shop:
    """A project in a folder, whose code changes."""

    def __init__(self, folder: Path, backend: Backend) -> None:
        self.folder, self.backend = folder, backend
        initialize(folder)

    def api(self, **columns: Any) -> API:
        (note,) = tables(**columns)
        return API(Resource(note, search=["text"]), database=self.backend.url, own=False)

    def project(self, **columns: Any) -> Project:
        return project_in(self.folder, [self.api(**columns)])

    def revisions(self) -> int:
        return len(list((self.folder / "alembic" / "versions").glob("*.py")))

    def begun(self) -> None:
        """One revision, applied."""
        project = self.project()
        new(project, New(message="begin"))
        up(project, options=Quiet(backup=False))

    def names(self) -> set[str]:
        engine = self.backend.engine()
        return {name for name in sa.inspect(engine).get_table_names() if not name.startswith("onetrip_search")}


@pytest.fixture
def shop(tmp_path: Path, backend: Backend) -> Shop:
    return Shop(tmp_path, backend)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Shop]:
    """On SQLite alone: nothing in it is about a database."""
    with sqlite_backend(tmp_path) as backend:
        yield Shop(tmp_path, backend)


@pytest.fixture
def asked() -> list[str]:
    return []


def answering(asked: list[str], *answers: bool) -> Offer:
    """A terminal at which somebody answers."""
    given = iter(answers)

    def ask(question: str) -> bool:
        asked.append(question)
        return next(given)

    return Offer(ask=ask)


LABEL = {"label": (str | None, None)}


def test_what_the_models_have_is_written_and_applied_after_a_yes(
    shop: Shop, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A no changes nothing; after a yes, database, models and revisions agree, and nobody is asked again."""
    shop.begun()
    answering(asked)([], shop.project())  # there is nothing to ask
    answering(asked, False)([], shop.project(**LABEL))
    assert shop.revisions() == 1 and not check(shop.project(**LABEL)).clean
    assert "differs from the models:\n- add column note.label\n" in capsys.readouterr().err
    answering(asked, True)([], shop.project(**LABEL))
    assert asked == ["Create and apply a migration?"] * 2
    found = check(shop.project(**LABEL))
    assert found.clean, found
    assert shop.revisions() == 2
    Offer(yes=True)([], shop.project(**LABEL))
    assert shop.revisions() == 2


def test_pending_revisions_are_offered_first(local: Shop, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """They are applied, and what the models have beyond them is another question; without them, nothing is compared."""
    local.begun()
    new(local.project(**LABEL), New(message="label"))
    both = {**LABEL, "extra": (int | None, None)}
    answering(asked, False)([], local.project(**both))
    assert asked == ["Apply it?"] and local.revisions() == 2
    assert capsys.readouterr().err.rstrip().endswith(" label")
    asked.clear()
    answering(asked, True, True)([], local.project(**both))
    assert asked == ["Apply it?", "Create and apply a migration?"] and local.revisions() == 3
    found = check(local.project(**both))
    assert found.clean, found


def test_rows_get_the_value_that_a_revision_needs(local: Shop) -> None:
    """In development nobody is sent to run a data migration."""
    local.begun()
    Offer(yes=True)([], local.project(**LABEL))
    with local.backend.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO note (id, text) VALUES (1, 'one')")
    Offer(yes=True)([], local.project(label=(str, "none")))
    with local.backend.engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT label FROM note").scalar() == "none"
    assert check(local.project(label=(str, "none"))).clean


def test_what_loses_something_is_refused_and_shown(local: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """A drop is not written; one that somebody wrote is not applied. With `--migrate` the start ends with that."""
    local.begun()
    Offer(yes=True)([], local.project(**LABEL))
    answering([], True)([], local.project())
    assert "Not migrated: The models do not have the column 'note.label'. Say --allow-drop" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match=r"^The models do not have the column 'note.label'\."):
        Offer(yes=True)([], local.project())
    assert local.revisions() == 2
    new(local.project(), New(message="drop", allow_drop=True))
    asked: list[str] = []
    answering(asked)([], local.project())
    said = capsys.readouterr()
    assert "M11 error" in said.out and "Not migrated: What is unsafe is not applied here" in said.err and asked == []
    assert check(local.project(**LABEL)).state == "behind"


@pytest.mark.parametrize("revisions", [0, 1])
def test_a_database_of_somebody_else_is_never_changed(
    local: Shop, revisions: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has tables and no revision: nobody is asked, and `--migrate` is refused."""
    with local.backend.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    if revisions:
        write(local.folder, {"alembic/versions/a.py": 'revision = "a"\ndown_revision = None\n'})
    answering([])([], local.project())
    assert "Not migrated: " in (said := capsys.readouterr().err) and "has tables, and" in said
    with pytest.raises(ConfigurationError, match="has tables, and"):
        Offer(yes=True)([], local.project())
    assert local.names() == {"other"} and local.revisions() == revisions


def test_newer_databases_and_two_heads_are_left_alone(local: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence that `onetrip db up` has for it is said, and the start goes on."""
    local.begun()
    with local.backend.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'newer'")
    answering([])([], local.project(**LABEL))
    assert "Not migrated: The database is at revision newer" in capsys.readouterr().err
    write(local.folder, {"alembic/versions/a.py": 'revision = "a"\ndown_revision = None\n'})
    answering([])([], local.project(**LABEL))
    assert "Not migrated: There are 2 heads" in capsys.readouterr().err


# An empty database


async def seed(session: AsyncSession) -> None:
    """Store two rows, the second of which cannot be stored while the environment says so."""
    await (await session.connection()).execute(sa.insert(sa.table("note", sa.column("text"))).values(text="loom"))
    if "ONETRIP_TEST_FAIL" in os.environ:
        raise LookupError("no more notes")


def prepared(shop: Shop, monkeypatch: pytest.MonkeyPatch, **columns: Any) -> Prepared:
    api = shop.api(**columns)
    code: Any = ModuleTarget(parse_target(__file__).code).code  # type: ignore[union-attr]
    monkeypatch.setattr(by_revisions, "find_seed", lambda code: seed)
    project = project_in(shop.folder, [api])
    return asyncio.run(by_revisions.prepare(Loaded(FastAPI(), (api,), code), NOTHING_SAID, project))[0]


def test_an_empty_database_is_made_by_the_revisions_and_seeded(
    shop: Shop, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first revision is offered; then it is at the head, as the models are, and the seed ran once."""
    answering(asked, True)([], shop.project())
    assert asked == ["Create and apply a migration?"] and shop.revisions() == 1
    assert shop.names() <= {"alembic_version"}  # the start itself applies it
    answering(asked)([], shop.project())
    first = prepared(shop, monkeypatch)
    assert (first.created, first.revisions, first.rows, first.differences) == (1, 1, 1, ())
    found = check(shop.project())
    assert found.clean, found
    second = prepared(shop, monkeypatch, **LABEL)
    assert (second.created, second.rows, second.differences) == (0, None, ("'note.label' is missing",))
    new(shop.project(**LABEL), New(message="label"))
    assert prepared(shop, monkeypatch, **LABEL).differences[0].startswith("it is not at the newest revision: ")


def test_what_was_stopped_goes_on_at_the_next_start(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that fails stores nothing, and is not forgotten."""
    new(shop.project(), New(message="begin"))
    monkeypatch.setenv("ONETRIP_TEST_FAIL", "1")
    with pytest.raises(ConfigurationError, match=r"no more notes\. The seed failed, and nothing of it was kept"):
        prepared(shop, monkeypatch)
    assert "onetrip_creating" in shop.names()
    monkeypatch.delenv("ONETRIP_TEST_FAIL")
    again = prepared(shop, monkeypatch)
    assert (again.rows, "onetrip_creating" in shop.names()) == (1, False)
    with shop.backend.engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM note").scalar() == 1


# Where, and whether


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_the_nearest_folder_is_the_targets(here: Path) -> None:
    """Its own before one around it, and the current one for all else."""
    write(here, {"shop/__init__.py": "", "shop/inner/__init__.py": "", "shop/inner/models.py": "", "other.py": ""})
    target = parse_target("shop/inner/models.py")
    assert folder_of(target) == folder_of(parse_target("sqlite://")) == here
    for name in (".", "shop", "shop/inner"):
        write(here, {f"{name}/alembic.ini": ""})
        assert folder_of(target) == (here / name).resolve()
    assert folder_of(parse_target("other.py")) == here


def test_only_revisions_of_ours_that_make_the_tables_count(here: Path) -> None:
    """Not those of an env.py of somebody's own, of other tables, or of a database that is in memory."""
    write(here, {"models.py": ""})
    target, api = parse_target("models.py"), Shop.api(Shop(here, Backend("sqlite", "sqlite:///a.db")))
    assert managed(target, [api]) is not None and managed(target, []) is None
    memory = API(*tables(), database="sqlite://", own=False)
    assert managed(target, [memory]) is None
    revision = (
        'from alembic import op\nrevision = "a"\ndown_revision = None\n\n\ndef upgrade():\n    op.create_table({})\n'
    )
    for made, expected in (("'other'", False), ("'note'", True)):
        write(here, {"alembic/versions/a.py": revision.format(made)})
        assert (managed(target, [api]) is not None) is expected
    write(here, {"alembic/env.py": "run_somewhere_else()"})
    assert managed(target, [api]) is None


def test_nobody_is_asked_without_a_terminal_or_in_production(
    local: Shop, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `--migrate` is refused there, whether the environment or the settings of the application say so."""
    isatty: Callable[[], bool] = lambda: True  # noqa: E731
    assert offered(migrate=False).ask is None  # tests have no terminal
    monkeypatch.setattr(sys.stdin, "isatty", isatty, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", isatty, raising=False)
    assert offered(migrate=False).ask is offering._confirm
    local.begun()
    project, api = local.project(**LABEL), local.api(**LABEL)
    for place in ("staging", "production"):
        api.settings = Settings(environment=place)
        answering(asked)([api], project)
    with pytest.raises(ConfigurationError, match=r"^This is production \(ONETRIP_ENVIRONMENT\)"):
        Offer(yes=True)([api], project)
    monkeypatch.setenv("ONETRIP_ENVIRONMENT", "Live")
    answering(asked)([], project)
    with pytest.raises(ConfigurationError, match=r"^This is live \(ONETRIP_ENVIRONMENT\)"):
        Offer(yes=True)([], project)
    assert asked == [] and local.revisions() == 1
    monkeypatch.delenv("ONETRIP_ENVIRONMENT")
    Offer()([], None)
    with pytest.raises(ConfigurationError, match="begin them with 'onetrip db init'"):
        Offer(yes=True)([], None)


def test_a_process_that_is_replaced_offers_nothing(here: Path) -> None:
    """Its options travel to it without what its parent asks."""
    write(here, {"models.py": ""})
    options = Options(
        called="models.py", target=parse_target("models.py"), database=None, host="", port=0, read_only=False,
        reload=True, quiet=True, debug=False, offer=Offer(yes=True),
    )  # fmt: skip
    assert pickle.loads(pickle.dumps(replace(options, offer=_nothing))).offer is _nothing
