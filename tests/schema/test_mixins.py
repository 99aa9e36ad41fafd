"""The mixins, for SQLModel and for SQLAlchemy's own classes, as both databases keep them."""

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

import onetrip
from onetrip import API, ConfigurationError, SoftDelete, Timestamped, UUIDKey, Versioned, declarative, keys
from onetrip.keys import uuid7
from onetrip.schema.marks import MARK, is_generated
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class DeclarativeTable(DeclarativeBase):
    """SQLAlchemy's own declarative tables."""


class Sketch(SQLModel, registry=registry()):
    """Tables that are never created."""


class DeclarativeSketch(DeclarativeBase):
    """The same for SQLAlchemy's own."""


class Note(Timestamped, SoftDelete, Versioned, UUIDKey, Base, table=True):
    __table_args__ = (sa.UniqueConstraint("shelf", "place", name="one_note_a_place"),)
    title: str = Field(unique=True)
    slug: str | None = Field(default=None, unique=True, index=True)
    shelf: int | None = None
    place: int | None = None


class Memo(
    declarative.Timestamped, declarative.SoftDelete, declarative.Versioned, declarative.UUIDKey, DeclarativeTable
):
    __tablename__ = "memo"
    __table_args__ = (sa.UniqueConstraint("shelf", "place", name="one_note_a_place"),)
    title: Mapped[str] = mapped_column(unique=True)
    slug: Mapped[str | None] = mapped_column(unique=True, index=True)
    shelf: Mapped[int | None]
    place: Mapped[int | None]


COLUMNS = ["id", "title", "slug", "shelf", "place", "created_at", "updated_at", "version", "deleted_at"]

models = pytest.mark.parametrize("model", [Note, Memo])


@contextmanager
def session(backend: Backend) -> Iterator[Session]:
    with Session(backend.engine(), expire_on_commit=False) as opened:
        yield opened


@pytest.fixture(params=[Note, Memo])
def model(request: pytest.FixtureRequest, backend: Backend) -> Any:
    """A table with all mixins, which is there."""
    found: Any = request.param
    backend.create(found.metadata)
    return found


# Columns


@models
def test_the_tables_own_columns_stand_between_the_key_and_the_mixins(model: Any) -> None:
    """The order is that of a hand-written table, whatever the order of the base classes."""
    assert model.__table__.c.keys() == COLUMNS
    assert [field.name for field in API(model, database="sqlite://").schema.resources.popitem()[1].view.fields] == (
        COLUMNS[:-1]
    )


@models
def test_clients_write_none_of_the_columns(model: Any) -> None:
    """The columns say so themselves, and so do the bodies; of their values Python makes the key alone."""
    assert [column.name for column in model.__table__.c if is_generated(column)] == ["id", *COLUMNS[5:]]
    (resource,) = API(model, database="sqlite://").schema.resources.values()
    for body in (resource.writes.create, resource.writes.update, resource.writes.replace):
        assert body is not None and list(body.columns) == COLUMNS[1:5]
    assert [(made.field.name, made.value().version) for made in resource.writes.inserted] == [("id", 7)]
    assert resource.writes.updated == ()


@models
def test_a_row_is_made_without_them(model: Any) -> None:
    """No argument of the constructor is asked for; a field of SQLModel is validated without them, too."""
    assert model(title="x").title == "x"
    if issubclass(model, SQLModel):
        made = model.model_validate({"title": "x"})
        assert isinstance(made.id, UUID) and made.id.version == 7


def test_a_class_may_say_more_to_its_mapper() -> None:
    """`__mapper_args__` of a class adds to what the mixins say."""

    class Said(Versioned, Timestamped, Sketch, table=True):
        __mapper_args__ = {"confirm_deleted_rows": False}
        id: int = Field(primary_key=True)

    class AlsoSaid(declarative.Timestamped, declarative.Versioned, DeclarativeSketch):
        __tablename__ = "also_said"
        __mapper_args__ = {"confirm_deleted_rows": False}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)

    for model in (Said, AlsoSaid):
        mapper = sa.inspect(model)
        assert mapper.version_id_col is model.__table__.c.version
        assert (mapper.eager_defaults, mapper.confirm_deleted_rows) == (True, False)


def test_every_mixin_works_alone() -> None:
    """None needs another."""
    for module in (onetrip, declarative):
        for name in ("Timestamped", "SoftDelete", "Versioned", "UUIDKey"):
            mixin, body = getattr(module, name), {"__module__": __name__, "__tablename__": f"{module.__name__}_{name}"}
            if module is declarative:
                key = {} if name == "UUIDKey" else {"key": mapped_column(sa.Integer, primary_key=True)}
                made: Any = type(name, (mixin, DeclarativeSketch), body | key)
            else:
                fields = {} if name == "UUIDKey" else {"key": Field(primary_key=True), "__annotations__": {"key": int}}
                made = type(Sketch)(name, (mixin, Sketch), body | fields, table=True)
            assert (sa.inspect(made).version_id_col is not None) == (name == "Versioned")


# Timestamped


def test_the_database_sets_the_moments(model: Any, backend: Backend) -> None:
    """Both moments are the database's, in UTC, whatever the time zone of the connection, and as the ORM stores them."""
    with session(backend) as opened:
        if backend.name == "postgresql":
            opened.execute(sa.text("SET TIME ZONE 'Asia/Tokyo'"))
        row = model(title="x")
        opened.add(row)
        opened.flush()
        assert row.created_at == row.updated_at and row.created_at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - row.created_at) < timedelta(hours=1)
        if backend.name == "sqlite":
            stored = opened.execute(sa.text(f"SELECT created_at FROM {model.__tablename__}")).scalar_one()
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", stored)
            bound = sa.literal(row.created_at, UTCDateTime())
            assert opened.scalar(sa.select(model.title).where(model.created_at == bound)) == "x"


@pytest.mark.parametrize("way", ["orm", "orm update", "core"])
def test_every_update_sets_updated_at_and_counts(model: Any, backend: Backend, way: str) -> None:
    """The UPDATE itself sets them, whoever sends it; `created_at` stays."""
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with session(backend) as opened:
        row = model(title="x", created_at=long_ago, updated_at=long_ago)
        opened.add(row)
        opened.commit()
        assert (row.updated_at, row.version) == (long_ago, 1)
        if way == "orm":
            row.title = "y"
        else:
            opened.execute(sa.update(model if way == "orm update" else model.__table__).values(title="y"))
        opened.commit()
        opened.expire_all()
        assert (row.title, row.created_at, row.version) == ("y", long_ago, 2)
        assert row.updated_at > long_ago


def test_a_change_leaves_nothing_to_be_loaded(model: Any, backend: Backend) -> None:
    """INSERT and UPDATE give back what the database set, so that an asynchronous session can read it."""

    async def change() -> None:
        api = API(model, database=backend.url)
        async with AsyncSession(api.database.engine, expire_on_commit=False) as opened:
            row = model(title="x")
            opened.add(row)
            await opened.commit()
            first = row.created_at
            row.title = "y"
            await opened.commit()
            assert row.created_at == first <= row.updated_at and row.version == 2
        await api.database.close()

    asyncio.run(change())


# Versioned


def test_the_orm_sees_a_change_of_somebody_else(model: Any, backend: Backend) -> None:
    """Of two that read the same version, the second to write is told."""
    with session(backend) as one, session(backend) as other:
        one.add(model(title="x"))
        one.commit()
        (mine,), (theirs,) = one.scalars(sa.select(model)).all(), other.scalars(sa.select(model)).all()
        one.commit()
        theirs.title = "theirs"
        other.commit()
        mine.title = "mine"
        with pytest.raises(StaleDataError):
            one.commit()


# SoftDelete


def test_unique_is_among_the_rows_that_are_left(model: Any, backend: Backend) -> None:
    """A deleted row keeps neither title, nor slug, nor place; a living one keeps each."""
    values = {"title": "x", "slug": "x", "shelf": 1, "place": 1}
    others = {"title": "y", "slug": "y", "shelf": 2, "place": 2}
    with session(backend) as opened:
        for _ in range(2):
            opened.add(model(**values, deleted_at=datetime.now(UTC)))
        opened.add(model(**values))
        opened.commit()
        for taken in ({"title": "x"}, {"slug": "x"}, {"shelf": 1, "place": 1}):
            with pytest.raises(IntegrityError):
                opened.execute(sa.insert(model).values({**others, **taken}))
            opened.rollback()
        opened.add(model(**others))
        opened.commit()


def test_the_indexes_are_called_as_the_constraints_were() -> None:
    """A name of one's own stays, a naming convention holds, and what has no name gets the most usual one."""
    assert {index.name for index in Note.__table__.indexes} == {"ix_note_slug", "uq_note_title", "one_note_a_place"}
    assert not [each for each in Note.__table__.constraints if isinstance(each, sa.UniqueConstraint)]

    class Conventional(DeclarativeBase):
        metadata = sa.MetaData(naming_convention={"uq": "unique_%(table_name)s_%(column_0_N_name)s"})

    class Named(declarative.SoftDelete, Conventional):
        __tablename__ = "named"
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str] = mapped_column(unique=True)

    assert [index.name for index in Named.__table__.indexes] == ["unique_named_title"]


def test_options_of_a_constraint_become_those_of_its_index() -> None:
    """`NULLS NOT DISTINCT` holds on, and an index with a condition of its own is left as it is."""

    class Kept(SoftDelete, Sketch, table=True):
        __table_args__ = (
            sa.UniqueConstraint("a", name="together", postgresql_nulls_not_distinct=True),
            sa.Index("own", "b", unique=True, postgresql_where=sa.text("b > 0"), sqlite_where=sa.text("b > 0")),
            sa.Index("plain", "b"),
        )
        id: int = Field(primary_key=True)
        a: int
        b: int

    dialect = postgresql.dialect()
    written = {
        index.name: str(sa.schema.CreateIndex(index).compile(dialect=dialect)) for index in Kept.__table__.indexes
    }
    assert written == {
        "together": "CREATE UNIQUE INDEX together ON kept (a) NULLS NOT DISTINCT WHERE deleted_at IS NULL",
        "own": "CREATE UNIQUE INDEX own ON kept (b) WHERE b > 0",
        "plain": "CREATE INDEX plain ON kept (b)",
    }


def test_a_long_name_is_shortened() -> None:
    """The name of an index that nobody named is none that PostgreSQL cuts off by itself."""
    columns = [sa.Column(f"a_rather_long_name_of_a_column_{number}", sa.Integer) for number in range(3)]

    class Long(declarative.SoftDelete, DeclarativeSketch):
        __tablename__ = "long"
        __table_args__ = (*columns, sa.UniqueConstraint(*(column.name for column in columns)))
        id: Mapped[int] = mapped_column(primary_key=True)

    (index,) = Long.__table__.indexes
    name = str(sa.schema.CreateIndex(index).compile(dialect=postgresql.dialect())).split()[3]
    assert len(name) <= 63


def test_what_cannot_be_partial_is_refused() -> None:
    """An index is never deferrable, so the class is not made, and the message says why."""
    with pytest.raises(ConfigurationError, match=r"^late: uq_late_a is deferrable, and .* Leave 'deferrable' and"):

        class Late(declarative.SoftDelete, DeclarativeSketch):
            __tablename__ = "late"
            __table_args__ = (sa.UniqueConstraint("a", deferrable=True),)
            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]


@models
def test_the_deletion_is_a_fact_of_the_schema(model: Any) -> None:
    """It is hidden unless exposed, and known by its column."""
    (resource,) = API(model, database="sqlite://").schema.resources.values()
    assert resource.deleted is not None and resource.deleted.attribute == "deleted_at"
    assert resource.hidden == ("deleted_at",) and resource.guessed_secrets == ()
    shown = API(onetrip.Resource(model, exposed=["deleted_at"]), database="sqlite://")
    assert shown.schema.resources.popitem()[1].hidden == ()


def test_a_column_of_ones_own_can_say_the_same() -> None:
    """The mark counts and not the mixin; the rest of an `info` is nobody's business."""

    class Marked(Sketch, table=True):
        id: int = Field(primary_key=True, sa_column_kwargs={"info": {"mine": 1}})
        gone: datetime | None = Field(default=None, sa_column_kwargs={"info": {MARK: "deleted"}})

    (resource,) = API(Marked, database="sqlite://").schema.resources.values()
    assert resource.deleted is not None and resource.deleted.name == "gone"


# UUIDKey


def test_a_uuid_7_has_the_bits_of_the_standard() -> None:
    """Version 7, variant 10, the first 48 bits are milliseconds (RFC 9562, section 5.7)."""
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert made.version == 7 and made.variant == "specified in RFC 4122"
    assert made.int >> 76 & 0xF == 0b0111 and made.int >> 62 & 0b11 == 0b10
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_later_uuids_are_greater() -> None:
    """In the order in which they are made: as numbers, and as each database stores them."""
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert [key.hex for key in made] == sorted(key.hex for key in made)


def test_the_clock_may_stand_or_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order does not depend on it, nor does it end where the random part does."""
    stands = time.time_ns()
    monkeypatch.setattr(keys, "_last", (0, 0))
    monkeypatch.setattr(keys.time, "time_ns", lambda: stands)
    made = [uuid7() for _ in range(1000)]
    assert {key.int >> 80 for key in made} == {stands // 1_000_000}
    monkeypatch.setattr(keys.time, "time_ns", lambda: stands - 10**12)
    made += [uuid7() for _ in range(1000)]
    monkeypatch.setattr(keys, "_last", (stands // 1_000_000, (1 << 74) - 2))
    made += [uuid7()]
    assert made == sorted(set(made))
    assert made[-1].int >> 80 == stands // 1_000_000 + 1


def test_the_random_part_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every one of the 74 bits is 0 in some and 1 in others; the first one leaves room to count."""
    tails = []
    for _ in range(500):
        monkeypatch.setattr(keys, "_last", (0, 0))
        key = uuid7().int
        tails.append((key >> 64 & 0xFFF) << 62 | key & (1 << 62) - 1)
    assert not any(tail >> 73 for tail in tails)
    for bit in range(73):
        assert {tail >> bit & 1 for tail in tails} == {0, 1}


def test_threads_never_make_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread sees its own in order, and no two make one, also when the clock stands and nothing is random."""
    stands, switch = time.time_ns(), sys.getswitchinterval()
    monkeypatch.setattr(keys.time, "time_ns", lambda: stands)
    monkeypatch.setattr(keys.secrets, "randbits", lambda bits: 0)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: [uuid7() for _ in range(5_000)], range(8)))
    finally:
        sys.setswitchinterval(switch)
    assert all(keys == sorted(keys) for keys in made)
    assert len({key for keys in made for key in keys}) == 40_000


def test_a_key_is_kept_as_it_was_made(model: Any, backend: Backend) -> None:
    """Rows come back in the order in which their keys were made."""
    titles = [f"title {number:03}" for number in range(100)]
    with session(backend) as opened:
        rows = [model(title=title, id=uuid7()) for title in titles]
        opened.add_all(reversed(rows))
        opened.commit()
        assert opened.scalars(sa.select(model.title).order_by(model.id)).all() == titles
