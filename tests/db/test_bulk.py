"""`api.bulk_insert`: what it stores is what the ORM would store, on both databases."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from weakref import WeakSet

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, registry
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API
from onetrip.errors import ConfigurationError, Unavailable
from tests.db.serving import cancelled_by_asyncio, server_of, watching
from tests.support.databases import Backend


class Color(Enum):
    RED = "r"
    BLUE = "b"


class Lower(sa.types.TypeDecorator[str]):
    """Converts in Python."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.lower()


class Upper(sa.types.UserDefinedType[str]):
    """Converts in SQL, which COPY cannot."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TEXT"

    def bind_expression(self, bindvalue: Any) -> Any:
        return sa.func.upper(bindvalue)


class Base(SQLModel, registry=registry()):
    pass


class Plain(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    other_id: int | None = Field(default=None, foreign_key="plain.id")


class Everything(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    key: UUID = Field(default=UUID(int=7))
    small: int = Field(default=1, sa_type=sa.SmallInteger)
    big: int = Field(default=2**60, sa_type=sa.BigInteger)
    real: float = 0.1
    price: Decimal = Field(default=Decimal("1.50"), max_digits=10, decimal_places=2)
    flag: bool = True
    color: Color = Color.RED
    native: Color | None = Field(default=None, sa_column=sa.Column(sa.Enum(Color, native_enum=False)))
    day: date | None = None
    clock: time | None = None
    moment: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    lasts: timedelta | None = None
    raw: bytes | None = None
    data: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    strict: dict[str, Any] | None = Field(default=None, sa_column=sa.Column(sa.JSON(none_as_null=True)))
    binary: list[Any] | None = Field(default=None, sa_type=sa.JSON().with_variant(pg.JSONB(), "postgresql"))
    numbers: list[int] | None = Field(default=None, sa_type=sa.JSON().with_variant(pg.ARRAY(sa.Integer), "postgresql"))
    lower: str = Field(default="ABC", sa_type=Lower)
    by_server: str | None = Field(default=None, sa_column_kwargs={"server_default": "from the server"})
    renamed: str = Field(default="x", sa_column=sa.Column("Other Name", sa.String))
    doubled: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, sa.Computed("small * 2", persisted=True)))


FULL: dict[str, Any] = {
    "key": UUID(int=2**127), "small": -5, "big": -(2**63), "real": 1e-7, "price": Decimal("12345.67"), "flag": False,
    "color": Color.BLUE, "native": Color.BLUE, "day": date(2026, 1, 2), "clock": time(3, 4, 5, 6),
    "moment": datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "lasts": timedelta(days=-1, microseconds=5), "raw": b"\x01raw",
    "data": {"a": [1, None, "ü\\"]}, "strict": {}, "binary": [1.5, {"b": None}], "numbers": [1, -2], "lower": "MiXeD",
    "by_server": "tab\tnew\nline\\N", "renamed": "ü",
}  # fmt: skip


class Alchemy(DeclarativeBase):
    pass


class Animal(Alchemy):
    """Defaults of every kind, a version, and single-table inheritance."""

    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(default="nobody")
    size: Mapped[int] = mapped_column(default=lambda: 3)
    label: Mapped[str] = mapped_column(default=lambda context: context.get_current_parameters()["name"] + "!")
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal", "version_id_col": version}  # noqa: RUF012


class Cat(Animal):
    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012


class Computing(Alchemy):
    """What only an INSERT can store."""

    __tablename__ = "computing"
    id: Mapped[int] = mapped_column(primary_key=True)
    shout: Mapped[str] = mapped_column(Upper)
    sum: Mapped[int] = mapped_column(default=sa.select(sa.literal(1) + 1).scalar_subquery())


class Point(MappedAsDataclass, Alchemy):
    __tablename__ = "point"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    x: Mapped[int] = mapped_column(default=5)
    tags: Mapped[list[str]] = mapped_column(sa.JSON, default_factory=lambda: ["new"])


class Dog(Alchemy):
    __tablename__ = "dog"
    id: Mapped[int] = mapped_column(primary_key=True)


class Puppy(Dog):
    __tablename__ = "puppy"
    id: Mapped[int] = mapped_column(sa.ForeignKey("dog.id"), primary_key=True)


def script(backend: Backend, main: Callable[[API], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        api = API(Plain, database=backend.url)
        async with api.lifespan():
            return await main(api)

    return asyncio.run(run())


def rows(backend: Backend, entity: Any) -> list[dict[str, Any]]:
    """What is in a table, as the driver sees it: the values that are stored, not what the ORM makes of them."""
    table = entity.__table__
    engine = backend.engine()
    # As text, where there is one: JSON null is not NULL, and a type that is not converted back shows what is there.
    columns = [sa.cast(column, sa.Text).label(column.name) for column in table.columns]
    with engine.connect() as connection:
        found = connection.execute(sa.select(*columns).order_by(table.c.id)).mappings().all()
    engine.dispose()
    return [dict(row) for row in found]


async def by_orm(api: API, objects: list[Any]) -> None:
    async with api.transaction() as session:
        session.add_all(objects)


def same(backend: Backend, entity: Any, *given: dict[str, Any]) -> list[dict[str, Any]]:
    """Store rows by the ORM, as dicts and as objects; check that all three store the same, and answer what."""
    seen = []
    for how in ("orm", "dicts", "objects"):
        entity.metadata.create_all(engine := backend.engine())

        async def main(api: API, how: str = how) -> None:
            if how == "orm":
                for row in given:  # one at a time: the ORM may reorder
                    await by_orm(api, [entity(**row)])
            else:
                made = given if how == "dicts" else [entity(**row) for row in given]
                assert await api.bulk_insert(entity, made) == len(given)

        script(backend, main)
        seen.append(rows(backend, entity))
        entity.metadata.drop_all(engine)
        engine.dispose()
    assert seen[0] == seen[1], "dicts"
    assert seen[0] == seen[2], "objects"
    return seen[0]


# --- what is stored


def test_every_type_is_stored_as_the_orm_does(backend: Backend) -> None:
    """Defaults, all values, and None where it may be; JSON null and NULL are not the same."""
    nothing = {name: None for name in FULL if Everything.model_fields[name].default is None}
    first, second, third = same(backend, Everything, {}, FULL, nothing)
    assert first["by_server"] == third["by_server"] == "from the server"
    assert (first["data"], first["strict"]) == ("null", None)
    assert json.loads(second["data"]) == FULL["data"]
    assert (second["lower"], second["Other Name"], first["lower"]) == ("mixed", "ü", "abc")
    assert (second["by_server"], second["doubled"]) == ("tab\tnew\nline\\N", "-10")


def test_defaults_of_columns_are_the_orms(backend: Backend) -> None:
    """Scalars, functions, functions of the other values, discriminators and versions."""
    first, second = same(backend, Animal, {"id": 1}, {"id": 2, "name": "Rex", "size": 9, "label": None})
    assert (first["name"], first["size"], first["label"]) == ("nobody", "3", "nobody!")
    assert (second["label"], second["version"], second["kind"]) == ("Rex!", "1", "animal")
    assert same(backend, Cat, {"id": 1})[0]["kind"] == "cat"


def test_what_only_sql_can_compute(backend: Backend) -> None:
    """Types and defaults that are SQL are stored by INSERT."""
    [row] = same(backend, Computing, {"id": 1, "shout": "hey"})
    assert (row["shout"], row["sum"]) == ("HEY", "2")


def test_defaults_of_dataclasses(backend: Backend) -> None:
    """Those that a generated `__init__` would make."""
    [row] = same(backend, Point, {})
    assert (row["x"], json.loads(row["tags"])) == ("5", ["new"])


def test_an_identity_that_is_always_generated(postgres: Backend) -> None:
    """COPY would let a value through that INSERT refuses."""
    metadata = sa.MetaData()

    class Always(DeclarativeBase):
        pass

    Always.metadata = metadata

    class Made(Always):
        __tablename__ = "made"
        id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
        name: Mapped[str]

    postgres.create(metadata)
    assert script(postgres, lambda api: api.bulk_insert(Made, [{"name": "a"}])) == 1
    with pytest.raises(StatementError, match="row 1 of bulk_insert"):
        script(postgres, lambda api: api.bulk_insert(Made, [{"id": 5, "name": "a"}]))
    assert [row["id"] for row in rows(postgres, Made)] == ["1"]


def test_a_type_that_copy_cannot_write(postgres: Backend) -> None:
    """The driver knows no binary form of some types; INSERT stores them all the same."""
    metadata = sa.MetaData()

    class Other(DeclarativeBase):
        pass

    Other.metadata = metadata

    class Document(Other):
        __tablename__ = "document"
        id: Mapped[int] = mapped_column(primary_key=True)
        words: Mapped[str] = mapped_column(pg.TSVECTOR)

    postgres.create(metadata)
    assert script(postgres, lambda api: api.bulk_insert(Document, [{"id": 1, "words": "a b"}])) == 1
    assert rows(postgres, Document)[0]["words"] == "'a' 'b'"


def test_every_type_can_be_copied(postgres: Backend) -> None:
    """What was compared above did come by COPY, without an INSERT that mends what COPY could not."""
    postgres.create(Base.metadata)
    server = server_of(postgres)
    start = server.log_size()
    assert script(postgres, lambda api: api.bulk_insert(Everything, [{}, FULL])) == 2
    assert {text.split()[0] for text in server.statements(start)} & {"COPY", "INSERT"} == {"COPY"}


# --- where rows come from


def _numbered(count: int, start: int = 1) -> Iterator[dict[str, Any]]:
    return ({"name": f"n{number}"} for number in range(start, start + count))


async def _later(count: int) -> AsyncIterator[dict[str, Any]]:
    for row in _numbered(count):
        await asyncio.sleep(0)
        yield row


@pytest.mark.parametrize("source", [_numbered, _later, lambda count: list(_numbered(count)), lambda count: ()])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_rows_come_from_anywhere_in_their_order(backend: Backend, source: Any, chunk: int) -> None:
    """Lists, generators and asynchronous generators; the count is the number of rows."""
    backend.create(Base.metadata)
    count = script(backend, lambda api: api.bulk_insert(Plain, source(23), chunk=chunk))
    assert [row["name"] for row in rows(backend, Plain)] == [f"n{number + 1}" for number in range(count)]
    assert count in (23, 0)


def test_rows_that_give_other_columns(backend: Backend) -> None:
    """Keys that some rows bring and others leave to the database."""
    backend.create(Base.metadata)
    given = [{"id": 10, "name": "a"}, {"id": 11, "name": "b", "other_id": 10}, Plain(id=12, name="c"), {"name": "d"}]
    if backend.name == "postgresql":
        given[3]["id"] = 13  # type: ignore[index]  # its sequence does not look at keys that were given
    assert script(backend, lambda api: api.bulk_insert(Plain, given)) == 4
    assert [(row["id"], row["name"], row["other_id"]) for row in rows(backend, Plain)] == [
        ("10", "a", None), ("11", "b", "10"), ("12", "c", None), ("13", "d", None),
    ]  # fmt: skip


def test_memory_stays_flat(backend: Backend) -> None:
    """Of a generator's rows no more than a chunk or so is alive at a time."""

    class Row(dict[str, Any]):
        __hash__ = object.__hash__  # type: ignore[assignment]

    alive: WeakSet[Row] = WeakSet()
    most = 0

    def generate() -> Iterator[Row]:
        nonlocal most
        for given in _numbered(5_000):
            row = Row(given)
            alive.add(row)
            most = max(most, len(alive))
            yield row

    backend.create(Base.metadata)
    assert script(backend, lambda api: api.bulk_insert(Plain, generate(), chunk=100)) == 5_000
    assert most <= 200


def test_postgresql_copies(postgres: Backend) -> None:
    """A chunk is one COPY, not an INSERT for each row."""
    postgres.create(Base.metadata)
    server = server_of(postgres)
    start = server.log_size()
    script(postgres, lambda api: api.bulk_insert(Plain, _numbered(250), chunk=100))
    statements = server.statements(start)
    assert sum(text.startswith("COPY") for text in statements) == 3
    assert not [text for text in statements if text.startswith("INSERT")]


# --- what goes wrong


def bad(number: int, count: int, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for position, given in enumerate(_numbered(count), 1):
        yield row if position == number else given


@pytest.mark.parametrize(
    "row",
    [{"name": "n1"}, {"name": None}, {"name": "x", "other_id": 999}, {"name": "x", "other_id": "no number"}],
    ids=["unique", "null", "foreign key", "type"],
)
@pytest.mark.parametrize(("number", "count"), [(7, 7), (13, 57)])
def test_what_the_database_refuses_names_its_row(
    backend: Backend, row: dict[str, Any], number: int, count: int
) -> None:
    """The error is the one of that row's INSERT, and nothing is stored."""
    backend.create(Base.metadata)
    with pytest.raises(StatementError, match=rf"row {number} of bulk_insert"):
        script(backend, lambda api: api.bulk_insert(Plain, bad(number, count, row), chunk=10))
    assert rows(backend, Plain) == []


def test_what_a_type_refuses_names_its_row(backend: Backend) -> None:
    """A value that its bind processor cannot convert."""
    backend.create(Base.metadata)
    given = [{}, {"day": "no day"}]
    with pytest.raises(StatementError, match="row 2 of bulk_insert"):
        script(backend, lambda api: api.bulk_insert(Everything, given))
    assert rows(backend, Everything) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"nmae": "x"}, "Row 2: Plain has no column 'nmae'. Did you mean 'name'?"),
        (("x",), "Row 2 is a tuple: give dicts or Plain objects."),
        (Everything(), "Row 2 is a Everything: give dicts or Plain objects."),
    ],
)
def test_what_is_no_row_is_named(backend: Backend, row: Any, message: str) -> None:
    """A key that there is not, or something else altogether."""
    backend.create(Base.metadata)
    with pytest.raises(ValueError) as caught:
        script(backend, lambda api: api.bulk_insert(Plain, [{"name": "a"}, row], chunk=1))
    assert str(caught.value) == message
    assert rows(backend, Plain) == []


def test_a_class_with_two_tables_is_refused(backend: Backend) -> None:
    """Joined inheritance needs the ORM."""
    with pytest.raises(ConfigurationError, match="Puppy is mapped to something else"):
        script(backend, lambda api: api.bulk_insert(Puppy, []))


def test_a_source_that_fails_stores_nothing(backend: Backend) -> None:
    """And a generator that is left early is closed."""
    backend.create(Base.metadata)
    closed = []

    async def broken() -> AsyncIterator[Any]:
        try:
            async for row in _later(30):
                yield row
            yield {"name": "n1"}
            yield {"name": "never"}
        finally:
            closed.append(True)

    async def failing() -> AsyncIterator[Any]:
        async for row in _later(30):
            yield row
        raise RuntimeError("the file ends here")

    with pytest.raises(IntegrityError):
        script(backend, lambda api: api.bulk_insert(Plain, broken(), chunk=10))
    assert closed == [True]
    with pytest.raises(RuntimeError, match="the file ends here"):
        script(backend, lambda api: api.bulk_insert(Plain, failing(), chunk=10))
    assert rows(backend, Plain) == []


# --- in a transaction


def test_it_is_part_of_a_session(backend: Backend) -> None:
    """It sees what the session has not yet flushed, and is undone with it."""
    backend.create(Base.metadata)

    async def main(api: API) -> None:
        async with api.transaction() as session:
            session.add(Plain(id=100, name="parent"))
            children = ({"id": number, "name": str(number), "other_id": 100} for number in range(101, 104))
            assert await api.bulk_insert(Plain, children, session=session) == 3
            assert await session.get(Plain, 102) is not None
        with pytest.raises(RuntimeError):
            async with api.transaction() as session:
                await api.bulk_insert(Plain, _numbered(3, 500), session=session)
                raise RuntimeError

    script(backend, main)
    assert [row["name"] for row in rows(backend, Plain)] == ["parent", "101", "102", "103"]


def test_a_load_that_failed_is_undone_alone(backend: Backend) -> None:
    """The session goes on: what it did before and does after is stored."""
    backend.create(Base.metadata)

    async def main(api: API) -> None:
        async with api.transaction() as session:
            session.add(Plain(name="before"))
            with pytest.raises(IntegrityError, match="row 25 of"):
                await api.bulk_insert(Plain, bad(25, 30, {"name": "n1"}), session=session, chunk=10)
            session.add(Plain(name="after"))

    script(backend, main)
    assert [row["name"] for row in rows(backend, Plain)] == ["before", "after"]


# --- the database goes away, others come in between


def _cutting(backend: Backend, after: int) -> Iterator[dict[str, Any]]:
    """Rows, in the middle of which the connection breaks."""
    for number, row in enumerate(_numbered(100)):
        if number == after:
            with watching(backend) as watch:
                assert watch.terminate() >= 1
        yield row


@pytest.mark.parametrize("after", [0, 50, 99])
def test_a_connection_that_breaks_is_no_fault_of_a_row(postgres: Backend, after: int) -> None:
    """It is the problem `unavailable`, names no row, and nothing is stored."""
    postgres.create(Base.metadata)
    with pytest.raises(Unavailable) as caught:
        script(postgres, lambda api: api.bulk_insert(Plain, _cutting(postgres, after), chunk=10))
    assert "row" not in str(caught.value.__cause__).partition("[SQL")[0]
    assert rows(postgres, Plain) == []


def test_a_load_that_was_overtaken_runs_again(postgres: Backend) -> None:
    """A serialization failure of a COPY is one of its transaction: `run_in_transaction` repeats it."""
    postgres.create(Base.metadata, Plain(name="first"))
    runs = []

    async def main(api: API) -> int:
        async def work(session: AsyncSession) -> int:
            runs.append(1)
            count = len((await session.exec(select(Plain))).all())
            if len(runs) == 1:
                await api.run_in_transaction(other, isolation="serializable")
            return await api.bulk_insert(Plain, _numbered(count), session=session)

        async def other(session: AsyncSession) -> None:
            count = len((await session.exec(select(Plain))).all())
            session.add(Plain(name=f"other {count}"))

        return await api.run_in_transaction(work, isolation="serializable")

    assert script(postgres, main) == 2
    assert len(runs) == 2
    assert len(rows(postgres, Plain)) == 4


def test_a_load_that_is_cancelled_stores_nothing(backend: Backend) -> None:
    """At any moment; the connection serves the next."""
    backend.create(Base.metadata)

    async def main(api: API) -> int:
        await api.bulk_insert(Plain, _numbered(5))
        for number in range(20):
            async with cancelled_by_asyncio(0.002 * number):
                await api.bulk_insert(Plain, _endless(), chunk=50)
        return await api.bulk_insert(Plain, _numbered(5, 6))

    async def _endless() -> AsyncIterator[dict[str, Any]]:
        number = 0
        while True:
            number += 1
            yield {"name": f"endless {number}"}

    assert script(backend, main) == 5
    assert len(rows(backend, Plain)) == 10
