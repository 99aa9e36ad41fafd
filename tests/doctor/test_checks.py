"""`onetrip doctor`: what each check finds, and what it leaves alone. `# !D01w` is on a line that is found."""

import json
import re
from pathlib import Path

import pytest

from onetrip.doctor.examine import all_checks
from tests.cli.conftest import Command, command, here
from tests.cli.serving import write

__all__ = ["command", "here"]

MODELS = """\
from datetime import UTC, datetime
from typing import Annotated, Optional

from sqlalchemy import Column, ForeignKeyConstraint, Index, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlmodel import Field, Relationship, SQLModel


class Base(SQLModel, registry=registry()):
    pass


class User(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(sa_column=Column(String(50)))  # !D02e
    name: str = Field(sa_column=Column(String(50), nullable=False))
    nick: str | None = Field(default=None, nullable=False)  # !D02w
    made: datetime | None = Field(default=None, sa_column=Column(String, nullable=False, server_default=func.now()))
    hashed_password: str
    api_key: str  # !D03e
    born: datetime = Field(default_factory=datetime.utcnow)  # !D06e
    seen: datetime = Field(default_factory=lambda: datetime.now(UTC))
    posts: list["Post"] = Relationship(back_populates="author")


class Post(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    author_id: int = Field(foreign_key="user.id")  # !D01w
    author: Optional[User] = Relationship(back_populates="posts")
    tags: list["Tag"] = Relationship(sa_relationship_kwargs={"lazy": "selectin"})


class Tag(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)


class Link(Base, table=True):
    post_id: int = Field(foreign_key="post.id", primary_key=True)
    tag_id: int = Field(foreign_key="tag.id", primary_key=True)  # !D01w


class Allowed(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    # doctor: allow D01 reason="few rows"
    post_id: int = Field(foreign_key="post.id")
    tag_id: int = Field(foreign_key="tag.id")  # doctor: allow D01 # !D01w


class Declared(DeclarativeBase):
    pass


class Plain(Declared):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)
    maybe: Mapped[str] = mapped_column(nullable=True)  # !D02e
    note: Mapped[str | None]
    made: Mapped[datetime] = mapped_column(default=datetime.utcnow)  # !D06w
"""

MAIN = """\
from datetime import datetime
from typing import Annotated
from unittest import mock

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import selectinload, sessionmaker
from sqlmodel import Session, create_engine, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API, Resource
from . import models
from .models import Post, Tag, User

api = API(Resource(User, exposed=["api_key"]), Post, Tag, database="sqlite://")
app = FastAPI(lifespan=api.lifespan)
app.include_router(api.router)
engine = create_engine("sqlite://")
Local = sessionmaker(engine)


def get_db():  # !D08w
    with Session(engine) as session:
        yield session
        session.commit()  # !D10e


def get_local():  # !D08w
    db = Local()
    try:
        yield db
    finally:
        db.close()


def early():  # !D08w
    with Session(engine) as session:
        yield session
        session.commit()


def unused():
    with Session(engine) as session:
        yield session


DB = Annotated[Session, Depends(get_db)]
LocalDB = Annotated[Session, Depends(get_local)]
Early = Annotated[Session, Depends(early, scope="function")]
Async = Annotated[AsyncSession, Depends(api.session)]


class UserRead(BaseModel):
    id: int
    api_token: str  # !D03e
    secret: str = Field(exclude=True)


@app.get("/tables", response_model=list[User])
def tables(db: DB):  # !D04e
    return db.exec(select(User)).all()


@app.get("/post")
async def post(session: Async) -> "models.Post | None":  # !D04w
    return await session.get(Post, 1)


@app.get("/untyped")
async def untyped(db: DB):  # !D07w !D09w
    return {"at": datetime.utcnow()}  # !D06w


@app.get("/hidden", include_in_schema=False)
def hidden():
    return {}


@app.delete("/gone", status_code=204)
def gone(db: Early):
    return None


@app.get("/response", response_model=list[Post])
async def response(session: Async) -> JSONResponse:
    return JSONResponse([])


@app.get("/lazy")
async def lazy(session: Async) -> UserRead:
    user = await session.get(User, 1)
    print(user.posts)  # !D05e
    found = (await session.exec(select(User).options(selectinload(User.posts)))).all()
    return [each.posts for each in found]


@app.get("/loaded")
async def loaded(session: Async) -> int:
    one = await session.get(User, 1)
    await session.refresh(one, ["posts"])
    post = (await session.exec(select(Post))).first()
    names = (await session.exec(select(User.name))).all()
    print(post.tags, names[0].posts)
    for each in (await session.exec(select(models.Post))).all():
        print(each.author)  # !D05e
    return len(one.posts)


@mock.patch("app.models")
def patched(db: LocalDB):
    return None
"""


def expected(text: str) -> set[tuple[int, str]]:
    """The lines that are marked, and with what."""
    lines = text.splitlines()
    return {(number, mark) for number, line in enumerate(lines, 1) for mark in re.findall(r"!(D\d\d[ew])", line)}


def test_the_doctor_finds_what_is_marked_and_nothing_else(command: Command, here: Path) -> None:
    """Each check, in an application that has every kind of fault, beside what only looks like one."""
    files = {"shop/__init__.py": "", "shop/models.py": MODELS, "shop/main.py": MAIN}
    write(here, files)
    done = command("doctor", "shop.main:app", "--json")
    assert done.code == 1, done.errors
    findings = json.loads(done.output)
    for name in ("shop/models.py", "shop/main.py"):
        found = {(each["line"], each["check"] + each["level"][0]) for each in findings if each["path"] == name}
        assert found == expected(files[name])
    assert {each["check"] for each in findings} == {check.id for check in all_checks()}
    assert all(each["remedy"] and each["message"] and each["why"] for each in findings)


CLEAN = """\
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    pass


class Thing(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""


def test_people_read_each_reason_once(command: Command, here: Path) -> None:
    """A finding has its line and its remedy, and the first of its kind its reason; warnings are no error."""
    keys = "".join(f'    k{number}: int = Field(foreign_key="thing.id")\n' for number in range(2))
    write(here, {"models.py": f"{CLEAN}{keys}"})
    done = command("doctor", "models.py")
    assert done.code == 0
    assert done.output.count("D01 warning") == 2
    assert done.output.count("read the whole table") == 1
    assert "models.py:11  D01 warning  Thing.k0 refers to 'thing' and has no index" in done.output
    assert done.output.rstrip().endswith('# doctor: allow D01 reason="…"')


@pytest.mark.parametrize(("form", "said"), [((), "Nothing is found.\n"), (("--json",), "[]\n")])
def test_a_sound_application_is_told_so(form: tuple[str, ...], said: str, command: Command, here: Path) -> None:
    """Nothing is found where nothing is, and a database is no code."""
    write(here, {"models.py": CLEAN})
    done = command("doctor", "models.py", *form)
    assert (done.code, done.output) == (0, said)


def test_a_database_has_no_doctor(command: Command, here: Path) -> None:
    """A target that is not code is refused in a sentence."""
    (here / "some.db").touch()
    done = command("doctor", "sqlite:///some.db")
    assert done.code == 1 and "name a file of tables, an API or an application" in done.errors
