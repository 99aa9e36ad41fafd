"""A row that was deleted and stayed in its table is met by no read, however it is reached."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, computed_field
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import onetrip
from onetrip import API, ConfigurationError, Resource, declarative
from onetrip.errors import NotFound
from onetrip.plan.ir import Exists, Negation, OrderKey, Paging, Predicate, ReadPlan, Selection, Shape
from onetrip.sql.read import compile_read
from tests.sql.answers import Serve, Service
from tests.sql.library import Book, Placement, Shelf, ShelfWithBooks, Writer, WriterInWords, metadata, rows

FOUND: dict[str, Any] = {
    "/writers?fields=id": [{"id": 1}, {"id": 3}],
    "/writers?fields=id&name=Gone": [],
    "/writers?fields=id&sort=-id&limit=1": [{"id": 3}],
    "/books?fields=id": [{"id": 1}, {"id": 3}, {"id": 9}],
    "/books/1": {"id": 1, "title": "Engine", "writer_id": 1},
    "/writers/1/books?fields=id": [{"id": 1}, {"id": 9}],
    "/writers/3/books": [],
    "/books/1/writer?fields=id": {"id": 1},
    "/writers/3/mentor?fields=id": {"id": 1},
    "/shelves/1/books?fields=id": [{"id": 1, "_link": {"place": 1}}, {"id": 9, "_link": {"place": 4}}],
    "/shelves/3/books": [],
    "/books/9/shelves": [{"id": 1, "_link": {"place": 4}}],
    "/books/3/shelves": [],
    "/placement?fields=book_id,shelf_id": [
        {"book_id": 1, "shelf_id": 1}, {"book_id": 2, "shelf_id": 1}, {"book_id": 4, "shelf_id": 3},
        {"book_id": 9, "shelf_id": 1},
    ],
    "/writers?fields=id,mentor.id,books.id": [
        {"id": 1, "mentor": None, "books": [{"id": 1}, {"id": 9}]}, {"id": 3, "mentor": {"id": 1}, "books": []},
    ],
    "/books?fields=id,writer.id": [
        {"id": 1, "writer": {"id": 1}}, {"id": 3, "writer": None}, {"id": 9, "writer": {"id": 1}},
    ],
    "/shelves?fields=id,books.id,books.writer.mentor.id": [
        {"id": 1, "books": [
            {"id": 1, "writer": {"mentor": None}, "_link": {"place": 1}},
            {"id": 9, "writer": {"mentor": None}, "_link": {"place": 4}},
        ]},
        {"id": 3, "books": []},
    ],
}  # fmt: skip
"""Path → answer."""

MISSING = [
    "/writers/2", "/books/2", "/books/4", "/writers/2/books", "/writers/2/mentor", "/books/2/writer",
    "/books/2/shelves", "/books/3/writer", "/writers/1/mentor", "/placement/3,1",
]  # fmt: skip
"""What is not found: rows, what hangs on them, and what a row leads to."""


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    return filled(serve_both(Writer, Book, Shelf, Resource(Placement, path="placement"), metadata=[metadata]))


@pytest.fixture(scope="module")
def written(serve_both: Serve) -> tuple[Service, Service]:
    """Hand-written models, which lead to tables that are not served."""
    shelves, writers = Resource(Shelf, read=ShelfWithBooks), Resource(Writer, read=WriterInWords)
    return filled(serve_both(shelves, writers, metadata=[metadata]))


def filled(served: tuple[Service, Service]) -> tuple[Service, Service]:
    for service in served:
        service.store(*rows())
    return served


@pytest.mark.parametrize("path", FOUND)
def test_what_was_deleted_is_in_no_answer(both: tuple[Service, Service], path: str) -> None:
    """Neither as a row, nor embedded, nor by a link that was deleted."""
    for service in both:
        assert json.loads(service.get(path)) == FOUND[path], service.name


@pytest.mark.parametrize("path", MISSING)
def test_what_was_deleted_is_not_found(both: tuple[Service, Service], path: str) -> None:
    """It answers as what never was, and so does everything that hangs on it."""
    for service in both:
        with pytest.raises(NotFound):
            service.get(path)


def test_a_hand_written_model_does_not_show_it(written: tuple[Service, Service]) -> None:
    """Whether the database writes the answer or Python, of tables that are not served themselves."""
    for service in written:
        resources = service.api.schema.resources
        assert (resources["shelves"].view.python, bool(resources["writers"].view.python)) == (None, True)
        assert json.loads(service.get("/shelves")) == [
            {"id": 1, "books": [{"title": "Engine"}, {"title": "Loom"}]}, {"id": 3, "books": []},
        ]  # fmt: skip
        assert json.loads(service.get("/writers")) == [
            {"name": "Ada", "books": [{"title": "Engine"}, {"title": "Loom"}], "words": "Engine and Loom"},
            {"name": "Ben", "books": [], "words": ""},
        ]
        with pytest.raises(NotFound):
            service.get("/writers/2")


EXISTS: dict[str, tuple[str, str, list[int]]] = {
    "to-one": ("books", "writer", [1, 9]),
    "to-many": ("writers", "books", [1]),
    "many-to-many": ("books", "shelves", [1, 9]),
    "many-to-many, back": ("shelves", "books", [1]),
    "to itself": ("writers", "mentor", [3]),
}


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("case", EXISTS)
def test_a_condition_does_not_see_it(both: tuple[Service, Service], case: str, negated: bool) -> None:
    """For "there is one" it is not there, and for "there is none" neither."""
    path, name, found = EXISTS[case]
    for service in both:
        resource = service.api.schema.resources[path]
        relation = resource.relations[name]
        predicate: Predicate = Exists(relation, service.api.schema.resources[relation.target].entity)
        key = resource.fields["id"]
        selection = Selection(
            shape=Shape(view=resource.view, items=(key,)),
            where=(Negation(predicate) if negated else predicate,),
            order=(OrderKey(field=key),),
        )
        plan = ReadPlan(selection=selection, many=True, parameters=(), paging=Paging())
        statement = compile_read(plan, service.api.database.dialect)
        row = service.runner.run(service.api.database.run(statement, ()))
        assert row is not None
        ids = [json.loads(record)["id"] for record in row[0].split(b"\x1e")[1:]]
        everything = [each["id"] for each in json.loads(service.get(f"/{path}?fields=id"))]
        assert ids == ([each for each in everything if each not in found] if negated else found), service.name


def test_the_column_is_neither_shown_nor_asked_for(both: tuple[Service, Service]) -> None:
    """It is hidden as a secret is."""
    for service in both:
        assert all(set(row) == {"id", "name", "mentor_id"} for row in json.loads(service.get("/writers")))
        for query in ("fields=deleted_at", "sort=deleted_at", "deleted_at=2026-01-01T00:00:00Z"):
            with pytest.raises(onetrip.Problem) as refused:
                service.get(f"/writers?{query}")
            assert refused.value.status == 422


def test_a_required_relation_may_lead_to_nothing() -> None:
    """A foreign key cannot say that its row was not deleted, so the description does not promise one."""
    api = API(Writer, Book, database="sqlite://")
    assert api.schema.resources["books"].relations["writer"].nullable


class WriterName(BaseModel):
    name: str


class Required(BaseModel):
    writer: WriterName


class Unrequired(BaseModel):
    """Is written in Python, which would not make a model of a row without a writer."""

    title: str
    writer: WriterName | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def by(self) -> str:
        return self.writer.name if self.writer else "nobody"


def test_a_hand_written_model_has_to_expect_nothing(serve_both: Serve) -> None:
    """A model that requires such a relation is refused at the start, and not when somebody deletes a row."""
    said = r"^Required\.writer: 'writer' of Book may lead to a row that was deleted, .* writer: WriterName \| None\.$"
    with pytest.raises(ConfigurationError, match=said):
        API(Resource(Book, read=Required), database="sqlite://")
    for service in filled(serve_both(Resource(Book, read=Unrequired), metadata=[metadata])):
        assert json.loads(service.get("/books/3")) == {"title": "Orphan", "writer": None, "by": "nobody"}


class Library(DeclarativeBase):
    """Tables that are never created."""


class Reader(declarative.SoftDelete, Library):
    __tablename__ = "reader"
    id: Mapped[int] = mapped_column(primary_key=True)
    card: Mapped[str] = mapped_column(unique=True)


class Loan(Library):
    __tablename__ = "loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    card: Mapped[str] = mapped_column(sa.ForeignKey("reader.card"))


class Visit(Library):
    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(sa.ForeignKey("reader.id"))
    door_id: Mapped[int] = mapped_column(sa.ForeignKey("door.id"))


def test_a_foreign_key_leads_to_what_is_unique_among_all_rows() -> None:
    """No database admits another, and SQLite would say so only at the first write. Unknown tables stay so."""
    said = r"^loan\.card refers to reader\.card, unique only among rows .* Refer to the primary key\.$"
    with pytest.raises(ConfigurationError, match=said):
        API(Loan, Reader, database="sqlite://")
    assert API(Visit, database="sqlite://").schema.resources["visit"].fields.keys() == {"id", "reader_id", "door_id"}


class Declared(DeclarativeBase):
    """SQLAlchemy's own tables."""


class Vehicle(declarative.SoftDelete, Declared):
    __tablename__ = "vehicle"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]


class Car(Vehicle):
    __tablename__ = "car"
    __mapper_args__ = {"polymorphic_identity": "car"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(sa.ForeignKey("vehicle.id"), primary_key=True)
    doors: Mapped[int]


def test_what_inherits_from_a_table_is_deleted_with_it(serve_both: Serve) -> None:
    """The column may stand in the table of a base class."""
    for service in serve_both(Vehicle, Car, metadata=[Declared.metadata]):
        service.store(Car(id=1, doors=4), Car(id=2, doors=2))
        service.sql("UPDATE vehicle SET deleted_at = '2026-01-01 00:00:00.000000' WHERE id = 2")
        assert [row["id"] for row in json.loads(service.get("/car"))] == [1], service.name
        assert [row["id"] for row in json.loads(service.get("/vehicle"))] == [1]


def test_there_is_one_way_to_the_rows_of_a_table() -> None:
    """Nothing in the compiler aliases a table but `rows_of`, which leaves out what was deleted."""
    folder = Path(onetrip.__file__).parent / "sql"
    found = [
        (path.stem, function.name)
        for path in folder.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == "aliased"
    ]
    assert ("conditions", "rows_of") in found
    assert [place for place in found if place[0] in ("conditions", "shape", "read")] == [("conditions", "rows_of")]
