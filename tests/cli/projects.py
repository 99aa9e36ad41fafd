"""Small projects to serve: the files that a user would have."""

TABLES = """\
from typing import Optional

from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Base(SQLModel, registry=registry()):
    pass


class Zoo(Base, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    name: str
    door_passcode: str = "1234"
    animals: list["Animal"] = Relationship(back_populates="zoo")


class Animal(Base, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    name: str
    zoo_id: int = Field(foreign_key="zoo.id")
    zoo: Zoo = Relationship(back_populates="animals")
"""

SEED = """\
from .models import Animal, Zoo


async def seed(session):
    zoo = Zoo(name="Berlin")
    session.add(zoo)
    await session.flush()
    session.add_all(Animal(name=f"animal {number}", zoo_id=zoo.id) for number in range(2500))
    await session.commit()
"""

API = """\
from onetrip import API
from .models import Animal, Zoo

api = API(Zoo, Animal, database="sqlite:///zoo.db")
"""

APP = """\
from fastapi import FastAPI
from .interface import api

app = FastAPI(title="The zoo", lifespan=api.lifespan)
app.include_router(api.router, prefix="/v1")


@app.get("/hello")
async def hello() -> str:
    return "by hand"
"""

TABLES_ONLY = {"models.py": TABLES}
PACKAGE = {"zoo/__init__.py": "", "zoo/models.py": TABLES, "zoo/seed.py": SEED}
PACKAGE_WITH_API = PACKAGE | {"zoo/interface.py": API}
PACKAGE_WITH_APP = PACKAGE_WITH_API | {"zoo/main.py": APP}


BASE = TABLES.partition("\n\nclass Zoo")[0]
"""What stands before the tables in a file."""


def table(name: str) -> str:
    """The text of a table that has a key and nothing else."""
    return f"\n\nclass {name}(Base, table=True):\n    id: Optional[int] = Field(default=None, primary_key=True)\n"


def many_tables(count: int) -> str:
    """A file of tables in a row, each with a relation to the one before."""
    relations = (
        f"    before_id: int = Field(foreign_key='t{number - 1}.id')\n    before: T{number - 1} = Relationship()\n"
        for number in range(1, count)
    )
    return BASE + table("T0") + "".join(table(f"T{number}") + text for number, text in enumerate(relations, start=1))
