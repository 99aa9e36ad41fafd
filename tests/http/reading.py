"""An application whose endpoints are written by hand, by `api.query`; and its tables, apart from those of others."""

import enum
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Header, Query
from fastapi.security import APIKeyQuery
from pydantic import BaseModel, ConfigDict, computed_field
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, Relationship, SQLModel, col
from starlette.requests import Request
from starlette.responses import Response

from onetrip import API, Limits, Resource, SoftDelete
from onetrip.http.reading import Reading
from tests.http.client import Client, serving
from tests.schema.serving import base
from tests.support.databases import Backend

Base: type[SQLModel] = base()


class State(enum.Enum):
    DRAFT = "a draft"
    OUT = "out"


class Coded(TypeDecorator[str]):
    """Text that is stored in capitals."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value).upper()

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value


class Writer(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    hashed_password: str = "secret"
    texts: list["Text"] = Relationship(back_populates="writer")


class Text(Base, SoftDelete, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    score: int | None = None
    state: State = State.OUT
    code: str = Field(default="a", sa_type=Coded)
    ref: UUID = UUID(int=0)
    price: Decimal = Decimal("1.50")
    written: datetime = Field(default=datetime(2026, 1, 1, tzinfo=UTC), sa_type=sa.DateTime(timezone=True))  # type: ignore[call-overload]
    note: str = Field(default="hidden", exclude=True)
    writer_id: int = Field(foreign_key="writer.id", index=True)
    writer: Writer = Relationship(back_populates="texts")


class Shouted(BaseModel):
    """What Python writes of a writer."""

    model_config = ConfigDict(from_attributes=True)
    name: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return f"{self.name}!"


class Unserved(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)


metadata = Base.metadata


def rows() -> list[Any]:
    """Two writers, twelve texts; every third is of the second writer, the last one was deleted."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Writer(id=1, name="ada"),
        Writer(id=2, name="alan"),
        *(
            Text(
                id=number, title=f"t{number}", score=None if number == 4 else number % 5,
                writer_id=1 + (number % 3 == 0),
                state=State.DRAFT if number % 2 else State.OUT, code="x" if number < 4 else "y", ref=UUID(int=number),
                price=Decimal(number) / 2, written=first + timedelta(days=number),
                deleted_at=first if number == 12 else None,
            )
            for number in range(1, 13)
        ),
    ]  # fmt: skip


class Window(BaseModel):
    """Parameters of an endpoint, as one model."""

    week: int = 0
    unit_name: str = Field(default="", alias="unit-name")


def application(api: API) -> FastAPI:
    """Endpoints of every kind."""
    app = FastAPI()
    me = Annotated[int, Header(alias="x-me")]

    @app.get("/mine")
    async def mine(request: Request, me: me) -> Response:
        return await api.query(Text).where(col(Text.writer_id) == me).include("writer").page(request)

    @app.get("/writers/{id}/texts-of")
    async def texts_of(id: int, request: Request) -> Response:
        return await api.query(Text).where(Text.writer_id == id).sort("-score").page(request)

    @app.get("/writers/{id}/latest")
    async def latest(id: int, request: Request) -> Response:
        return await api.query(Text).where(Text.writer_id == id).sort("-id").fields("id", "title").one(request)

    @app.get("/top")
    async def top(request: Request) -> Response:
        return await api.query(Text).sort("-score:nullslast", "title").limit(3).fields("id").page(request, allow=())

    @app.get("/paged")
    async def paged(request: Request) -> Response:
        return await api.query(Text).limit(2).page(request, allow=("limit", "after", "before", "score"))

    @app.get("/weekly")
    async def weekly(request: Request, score: int = 0, week: Annotated[int, Query(alias="wk")] = 0) -> Response:
        return await api.query(Text).where(col(Text.score) >= score, Text.id > week).limit(2).page(request)

    inner = APIRouter(dependencies=[Depends(APIKeyQuery(name="key"))])

    @inner.get("/modelled")
    async def modelled(request: Request, window: Annotated[Window, Query()]) -> Response:
        return await api.query(Text).where(Text.id > window.week).limit(2).page(request)

    async def whose(tenant: int = 1) -> int:
        return tenant

    app.include_router(inner, prefix="/inner", dependencies=[Depends(whose)])
    app.include_router(api.router)
    return app


@dataclass(frozen=True)
class Served:
    client: Client
    api: API
    backend: Backend

    def run(self, answer: Any) -> Response:
        """Await what an endpoint would."""
        found: Response = self.client.runner.run(answer)
        return found

    def ids(self, reading: Reading) -> list[int]:
        """The ids of the first page."""
        return [row["id"] for row in json.loads(self.run(reading.fields("id").page()).body)]


@contextmanager
def served(backend: Backend, **options: Any) -> Iterator[Served]:
    """Serve the tables of a database that holds the rows."""
    limits = Limits(shapes=options.pop("shapes", 16))
    api = API(Writer, Resource(Text, max_limit=20, default_limit=5), database=backend.url, limits=limits, **options)
    with serving(application(api)) as client:
        assert client.get("/texts").status == 200  # opens the connection
        yield Served(client, api, backend)
