"""Columns that are expressions, with constants of every kind in them."""

import enum
import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column, relationship
from sqlmodel.sql.sqltypes import UTCDateTime

from tests.sql.answers import QUIET, Serve, Service

pytestmark = QUIET


class Kind(enum.Enum):
    FLAT = "flat"
    ROUND = "round"


KIND = sa.Enum(Kind)


class Base(DeclarativeBase):
    """SQLAlchemy's own declarative tables."""


REASON = "why they are friends, in more letters than PostgreSQL has for a name"

friendship = sa.Table(
    "friendship",
    Base.metadata,
    sa.Column("one_id", sa.ForeignKey("thing.id"), primary_key=True),
    sa.Column("other_id", sa.ForeignKey("thing.id"), primary_key=True),
    sa.Column("since", UTCDateTime()),
    sa.Column("reason", sa.String, key=REASON),
)


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column()
    kind: Mapped[Kind | None] = mapped_column(KIND)
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    made: Mapped[datetime | None] = mapped_column(UTCDateTime())
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("thing.id"))
    friends: Mapped[list["Thing"]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Thing.id == friendship.c.one_id,
        secondaryjoin=lambda: Thing.id == friendship.c.other_id,
        viewonly=True,
    )

    label = column_property(name + " {0} 100% 'it' ?")
    double = column_property(price * 2)
    round = column_property(kind == Kind.ROUND)
    known = column_property(kind.in_([Kind.ROUND, Kind.FLAT]))
    late = column_property(made > datetime(2026, 1, 31, tzinfo=UTC))
    shape = column_property(
        sa.case((kind == Kind.FLAT, sa.literal(Kind.ROUND, KIND)), else_=sa.literal(Kind.FLAT, KIND))
    )


child = sa.orm.aliased(Thing)
Thing.children = column_property(
    sa.select(sa.func.count(child.id)).where(child.parent_id == Thing.id, child.kind != Kind.FLAT).scalar_subquery()
)


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    served = serve_both(Thing, metadata=[Base.metadata])
    moment = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
    for service in served:
        service.store(
            Thing(id=1, name="a", kind=Kind.ROUND, price=Decimal("1.5"), made=moment),
            Thing(id=2, name="", kind=Kind.ROUND, parent_id=1),
            Thing(id=3, name="c", kind=Kind.FLAT, parent_id=1, made=datetime(2026, 1, 31, tzinfo=UTC)),
            Thing(id=4, name="d"),
        )
        links = [
            {"one_id": 1, "other_id": 2, "since": moment, REASON: '"{x}'},
            {"one_id": 1, "other_id": 1, "since": None, REASON: None},
        ]
        service.sql(friendship.insert().values(links))
    return served


def test_expressions_equal_the_orm(both: tuple[Service, Service]) -> None:
    """Whatever a column_property computes is written as Pydantic writes what the ORM reads."""
    for service in both:
        assert service.get("/thing").decode() == service.expected(Thing).decode(), service.name
    assert both[0].get("/thing") == both[1].get("/thing")


def test_expressions_are_filtered_and_sorted_by(both: tuple[Service, Service]) -> None:
    """An expression with constants stands in conditions and orders as a column does."""
    for service in both:
        conditions = "round=true&children=1&double=3&label=" + quote("a {0} 100% 'it' ?")
        assert json.loads(service.get(f"/thing?fields=id&sort=-label,shape&{conditions}")) == [{"id": 1}], service.name
        ordered = json.loads(service.get("/thing?fields=id&sort=shape,-children"))
        assert [row["id"] for row in ordered] == [1, 4, 2, 3], service.name


def test_many_to_many_to_itself(both: tuple[Service, Service]) -> None:
    """A link table between rows of one table gives its own columns with each row."""
    for service in both:
        found = json.loads(service.get("/thing/1?include=friends&fields=id"))
        links = {row["id"]: row["_link"] for row in found["friends"]}
        want = {1: {"since": None, REASON: None}, 2: {"since": "2026-02-01T09:30:00Z", REASON: '"{x}'}}
        assert links == want, service.name
