"""Objects of any width and with any names: the text around the values is as exact as the values."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from tests.sql.answers import Serve, Service


class Base(DeclarativeBase):
    """SQLAlchemy's own declarative tables."""


def _wide(name: str, columns: int) -> type[Any]:
    """Make a table in which every 60th column, where SQLite's pieces meet, holds JSON that ends in braces."""
    body: dict[str, Any] = {"__tablename__": name, "id": mapped_column(sa.Integer, primary_key=True)}
    for number in range(1, columns):
        body[f"c{number}"] = mapped_column(sa.JSON if number % 60 in (0, 59) else sa.Text)
    return type(name.title(), (Base,), body)


WIDE = {columns: _wide(f"wide{columns}", columns) for columns in (60, 61, 120, 121, 131, 250)}

NAMES = [
    'quo"te', "apo'strophe", "br{0}aces}", "{", "per%cent", "%s", "sp ace", "é🚀", "a.b", "a:b", ":name", "$1", "?",
    "[x]", "back\\slash", "select", "anon_1", "anon_2", "x", "json", "body", "q", "UPPER", "a,b", "p0",
]  # fmt: skip


class Named(Base):
    """Columns with every name that a database admits."""

    __table__ = sa.Table(
        'na"me{0} %s',
        Base.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("own_er", sa.ForeignKey('na"me{0} %s.id')),
        *(sa.Column(name, sa.Integer) for name in NAMES),
    )
    owner: Mapped["Named | None"] = relationship(remote_side=lambda: [Named.__table__.c.id])


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    return serve_both(*WIDE.values(), Named, metadata=[Base.metadata])


@pytest.mark.no_cover
@pytest.mark.parametrize("columns", WIDE)
def test_wide_tables(both: tuple[Service, Service], columns: int) -> None:
    """A table of any width is one object, also where a value ends as an object does."""
    model = WIDE[columns]
    values: dict[str, Any] = {
        column.key: {"a": {"b": {}}} if isinstance(column.type, sa.JSON) else f'{column.key} }}}}"{{'
        for column in sa.inspect(model).columns
        if column.key != "id"
    }
    for service in both:
        service.store(model(id=1, **values), model(id=2))
        first, second = json.loads(service.get(f"/wide{columns}"))
        assert list(first.items()) == [("id", 1), *values.items()], service.name
        assert list(second.values()) == [2, *[None] * (columns - 1)], service.name
        assert json.loads(service.get(f"/wide{columns}/1")) == first


def test_names(both: tuple[Service, Service]) -> None:
    """Whatever a column is called, that is its key in the answer, embedded too."""
    values = {name: number for number, name in enumerate(NAMES)}
    for service in both:
        table = Named.__table__
        service.sql(sa.delete(table))
        service.sql(table.insert().values({"id": 1, "own_er": None, **values}))
        service.sql(table.insert().values({"id": 2, "own_er": 1}))
        first, second = json.loads(service.whole(Named, "&include=owner"))
        assert first == {"id": 1, "own_er": None, **values, "owner": None}, service.name
        assert second["owner"] == {"id": 1, "own_er": None, **values}, service.name
