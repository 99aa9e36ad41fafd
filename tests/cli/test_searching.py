"""The indexes for searching: created with a database, installed in one that exists, missed at the start."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API, Resource
from onetrip.schema.reflect import reflect
from tests.cli.test_create import prepared
from tests.cli.test_install import OWN, run
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Post(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    content: str = ""


def api(backend: Backend, **options: Any) -> API:
    return API(Resource(Post, **(options or {"search": ["title"]})), database=backend.url, own=False)


def name(backend: Backend) -> str:
    return {"sqlite": "onetrip_search_post", "postgresql": "post.onetrip_search"}[backend.name]


def found(backend: Backend, word: str) -> list[int]:
    """Search beside the application."""
    searches = {
        "sqlite": f"SELECT rowid FROM onetrip_search_post WHERE onetrip_search_post MATCH '{word}'",
        "postgresql": f"SELECT id FROM post WHERE onetrip_search @@ to_tsquery('simple', '{word}')",
    }
    with backend.engine().connect() as connection:
        return sorted(row[0] for row in connection.exec_driver_sql(searches[backend.name]))


def test_a_new_database_has_the_index(backend: Backend) -> None:
    """What is written to it is found; the index is none of the tables that are counted, and no difference."""
    first = prepared(api(backend))
    assert [(each.created, each.differences) for each in first] == [(1, ())]
    with backend.engine().begin() as connection:
        connection.execute(sa.insert(Post).values(title="loom"))
    assert found(backend, "loom") == [1]
    assert prepared(api(backend))[0].differences == ()


def test_a_database_that_exists_is_told_of_at_the_start_and_installed_on_request(backend: Backend) -> None:
    """Filled with the rows that are there; a second time nothing happens."""
    backend.create(Base.metadata, Post(title="loom"), Post(title="engine"))
    assert prepared(api(backend))[0].differences == (
        f"the index '{name(backend)}' is missing, without which there is no 'q': 'onetrip db install' creates it",
    )
    assert run(api(backend)) == [((*OWN, name(backend)), ())]
    assert found(backend, "engine") == [2]
    assert prepared(api(backend))[0].differences == ()
    assert run(api(backend)) == [((), (*OWN, name(backend)))]


@pytest.mark.parametrize(
    "options",
    [
        {"search": ["title", "content"]},
        {"search": {"title": "A"}},
        {"search": ["content"]},
        {"search": ["title"], "search_language": "english"},
    ],
)
def test_an_index_that_is_declared_otherwise_is_made_anew(backend: Backend, options: dict[str, Any]) -> None:
    """With what it is to search now."""
    backend.create(Base.metadata, Post(title="loom", content="woven"))
    run(api(backend))
    differences = prepared(api(backend, **options))[0].differences
    if backend.name == "sqlite" and options == {"search": {"title": "A"}}:
        assert differences == ()  # weights are not kept there
        return
    assert differences == (f"the index '{name(backend)}' is not as declared now: 'onetrip db install' creates it anew",)
    assert run(api(backend, **options)) == [((name(backend),), OWN)]
    assert found(backend, "woven") == ([1] if "content" in options["search"] else [])
    assert prepared(api(backend, **options))[0].differences == ()


def test_an_index_is_not_asked_for_where_the_table_is_missing(backend: Backend) -> None:
    """The table is, once."""
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    assert prepared(api(backend))[0].differences == ("the table 'post' is missing",)
    assert run(api(backend)) == [(OWN, ())]


def test_a_trigger_that_is_gone_is_missed(backend: Backend) -> None:
    """A migration that copies a table on SQLite leaves its triggers behind."""
    backend.create(Base.metadata, Post(title="loom"))
    run(api(backend))
    if backend.name != "sqlite":
        return
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER onetrip_search_post_update")
    assert "is not as declared now" in prepared(api(backend))[0].differences[0]
    assert run(api(backend)) == [((name(backend),), OWN)]


def test_one_database_of_several_apis_has_all_of_their_indexes(backend: Backend) -> None:
    """Whichever of them declares it."""
    backend.create(Base.metadata)
    plain = API(Post, database=backend.url, own=False)
    assert run(plain, api(backend)) == [((*OWN, name(backend)), ())]


def test_a_database_that_is_reflected_does_not_show_it(backend: Backend) -> None:
    """Neither the column, nor the tables."""
    backend.create(Base.metadata)
    run(api(backend))
    with backend.engine().connect() as connection:
        reflected = reflect(connection)
    assert [each.__name__ for each in reflected.classes] == ["Post"] and reflected.refused == ()
    assert sa.inspect(reflected.classes[0]).columns.keys() == ["id", "title", "content"]
