"""Rows that Python writes: what it is given is what the ORM reads, and what it writes is what Pydantic does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Optional

import pytest
import sqlalchemy as sa
from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import Resource
from onetrip.errors import Broken
from tests.sql import samples, values
from tests.sql.answers import QUIET, Serve, Service, joined, serving
from tests.sql.samples import Document, Loose, Sample, Special
from tests.support.databases import Server, postgresql_backend

pytestmark = QUIET

# What Python is given


def with_repr(model: type[Any]) -> Resource:
    """Serve a table with the `repr` of every value that its instances hold."""
    names = list(sa.inspect(model).column_attrs.keys())
    model.loaded = property(lambda row: repr([(name, getattr(row, name)) for name in names]))

    class Loaded(BaseModel):
        model_config = ConfigDict(from_attributes=True)
        loaded: str

    return Resource(model, read=type(f"{model.__name__}Loaded", (Loaded,), {}))


# SQLite stores 2.0 in a column of decimals as 2, and the ORM reads an int there where a float is declared.
CASES = [(Sample, column) for column in values.EXACT if column != "ratio_of_decimals"]
CASES += [(Document, column) for column in values.EQUAL] + [(Loose, column) for column in values.LOOSE]


@pytest.fixture(scope="module")
def loaded(serve_both: Serve) -> Iterator[tuple[Service, Service]]:
    yield serve_both(*map(with_repr, (Sample, Document, Loose)), metadata=[samples.SHARED])
    for model in (Sample, Document, Loose):
        del model.loaded


@pytest.fixture(scope="module")
def special(server: Server) -> Iterator[Service]:
    metadata = [samples.POSTGRESQL]
    with postgresql_backend(server) as backend, serving(backend, with_repr(Special), metadata=metadata) as service:
        yield service
    del Special.loaded


def check_instances(service: Service, model: type[Any], column: str, always: list[Any]) -> None:
    service.store(*(model(id=number, **{column: value}) for number, value in enumerate([*always, None])))
    found = [row["loaded"] for row in json.loads(service.whole(model))]
    assert found == [row.loaded for row in service.rows(model)], service.name


@pytest.mark.parametrize(("model", "column"), CASES)
def test_instances_hold_what_the_orm_reads(loaded: tuple[Service, Service], model: type[Any], column: str) -> None:
    """An instance that is made of an answer holds the same values, of the same types, as one that the ORM loads."""
    for service in loaded:
        check_instances(service, model, column, (values.EXACT | values.EQUAL | values.LOOSE)[column][0])


# Not `host`: an address reaches Python as text, which is what Pydantic makes an address of.
@pytest.mark.parametrize("column", sorted(values.SPECIAL.keys() - {"host"}))
def test_instances_hold_postgresql_values(special: Service, column: str) -> None:
    """Arrays and times with a zone reach Python as the ORM reads them."""
    check_instances(special, Special, column, values.SPECIAL[column][0])


# What Python writes

metadata = sa.MetaData()


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Apart from other tests' tables."""


class Upper(sa.types.TypeDecorator[str]):
    """Shown in capitals, NULL too."""

    impl = sa.String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> str:
        return "(none)" if value is None else str(value).upper()


class Stripped(sa.types.TypeDecorator[str]):
    """Changes only what is stored."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.strip() if value else value


class Cents(sa.types.TypeDecorator[Decimal]):
    """A decorator around a decorator's number."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value * 100)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Decimal(value) / 100


class Secret(sa.types.TypeDecorator[str]):
    """Bytes that are not UTF-8."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return bytes(255 - byte for byte in value.encode())

    def process_result_value(self, value: Any, dialect: Any) -> str:
        return bytes(255 - byte for byte in value).decode()


class Settings(BaseModel):
    """What a JSON column holds; it adds a default and writes its own way."""

    theme: str = "light"
    until: datetime | None = None
    ratio: float = 1.5


class Shelf(Base, table=True):
    id: int = Field(primary_key=True)
    name: str
    notes: str | None = Field(default=None, exclude=True)
    books: list["Book"] = Relationship(back_populates="shelf")

    @computed_field(alias="labelOf")  # type: ignore[prop-decorator]
    @property
    def label(self) -> str:
        return f"{self.name} {self.notes}"


class Book(Base, table=True):
    id: int = Field(primary_key=True)
    title: str
    shout: str | None = Field(default=None, sa_type=Upper)
    strip: str | None = Field(default=None, sa_type=Stripped)
    price: Decimal | None = Field(default=None, sa_type=Cents)
    secret_sauce: str = Field(default="é\xff", sa_type=Secret)
    pickled: Any = Field(default=None, sa_type=sa.PickleType, nullable=True)
    settings: Settings | None = Field(default=None, sa_type=sa.JSON)
    ratio: float | None = None
    took: Annotated[timedelta | None, PlainSerializer(lambda value: value and value.total_seconds())] = None
    at: datetime | None = None
    shelf_id: int | None = Field(default=None, foreign_key="shelf.id")
    shelf: Optional[Shelf] = Relationship(back_populates="books")  # noqa: UP045

    @field_serializer("at")
    def year(self, value: datetime | None) -> int | None:
        return None if value is None else value.year


def stock() -> list[Any]:
    return [
        Shelf(id=1, name="A", notes="left"),
        Shelf(id=2, name="B"),
        Book(
            id=1,
            title="One",
            shout="é",
            strip=" x ",
            price=Decimal("12.34"),
            pickled={"a": [1]},
            settings={"until": "2026-01-01T00:00:00Z"},
            ratio=1e16,
            took=timedelta(minutes=1),
            at=datetime(2026, 1, 31, tzinfo=UTC),
            shelf_id=1,
        ),
        Book(id=2, title='"}', ratio=float("inf"), settings={}),
    ]


@pytest.fixture(scope="module")
def derived(serve_both: Serve) -> tuple[Service, Service]:
    both = serve_both(Shelf, Resource(Book, exposed=["secret_sauce"]), metadata=[metadata])
    for service in both:
        service.store(*stock())
    return both


@pytest.mark.parametrize("model", [Shelf, Book])
def test_derived_models(derived: tuple[Service, Service], model: type[Any]) -> None:
    """Computed fields, serializers and type decorators give what Pydantic gives, the same on both databases."""
    for service in derived:
        assert service.whole(model).decode() == service.expected(model).decode(), service.name
    assert derived[0].whole(model) == derived[1].whole(model)


def test_parts_of_what_python_writes(derived: tuple[Service, Service]) -> None:
    """`fields` and `include` work as everywhere, in the order in which they are asked for."""
    for service in derived:
        assert service.get("/books/1?fields=price,title&include=shelf").decode() == (
            '{"price":"12.34","title":"One","shelf":{"id":1,"name":"A","labelOf":"A left"}}'
        )
        assert service.get("/shelves/1?fields=labelOf,books.shout,books.ratio").decode() == (
            '{"labelOf":"A left","books":[{"shout":"É","ratio":1e+16}]}'
        )
        assert service.get("/shelves/2/books") == b"[]"


class BookLine(BaseModel):
    """Nested in a hand-written model, with a validator of its own."""

    title: str

    @field_validator("title")
    @classmethod
    def bracketed(cls, value: str) -> str:
        return f"<{value}>"


class ShelfPage(BaseModel):
    """Hand-written: a relation, another name, a number of rows."""

    model_config = ConfigDict(from_attributes=True)
    name: str = Field(serialization_alias="shelfName")
    books: list[BookLine]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.books)


class BookPage(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    shelf: ShelfPage | None
    ratio: float | None

    @model_serializer(mode="wrap")
    def tagged(self, write: Any) -> Any:
        return {"kind": "book", **write(self)}


class Unstyled(BaseModel):
    """Writes numbers that are none as text."""

    model_config = ConfigDict(from_attributes=True, ser_json_inf_nan="strings")
    id: int
    ratio: float | None


@pytest.mark.parametrize(
    ("model", "page"), [(Shelf, ShelfPage), (Book, BookPage), (Book, Unstyled)], ids=lambda each: each.__name__
)
def test_written_models(derived: tuple[Service, Service], model: type[Any], page: type[BaseModel]) -> None:
    """A hand-written model with code of its own answers byte for byte what Pydantic does with the ORM's row."""
    for service in derived:
        other = Shelf if model is Book else Resource(Book, exposed=["secret_sauce"])
        with serving(service.backend, Resource(model, read=page), other, metadata=[]) as served:
            want = served.ask(
                lambda session: joined(
                    page.model_validate(row, from_attributes=True).model_dump_json(by_alias=True).encode()
                    for row in session.exec(sa.select(model).order_by(model.id)).scalars()
                )
            )
            assert served.whole(model).decode() == want.decode(), service.name


class Literal(BaseModel):
    """Would write numbers that are none as JSON does not have them."""

    model_config = ConfigDict(from_attributes=True, ser_json_inf_nan="constants")
    id: int
    ratio: float | None


def test_an_answer_is_json(derived: tuple[Service, Service]) -> None:
    """Whatever a model is set to, an infinity is null."""
    for service in derived:
        with serving(service.backend, Resource(Book, read=Literal), metadata=[]) as served:
            assert served.get("/books") == b'[{"id":1,"ratio":1e+16},{"id":2,"ratio":null}]', service.name


def test_a_row_that_does_not_fit(derived: tuple[Service, Service]) -> None:
    """A stored value that its own schema refuses is a problem that names the resource, not a traceback."""
    for service in derived:
        service.sql('UPDATE book SET settings = \'{"ratio": "many"}\' WHERE id = 2')
        with pytest.raises(Broken, match="A stored Book does not fit its own schema"):
            service.get("/books")
        service.sql("UPDATE book SET settings = '{}' WHERE id = 2")
