"""People in teams, on projects and at desks: relations of every kind."""

from decimal import Decimal
from typing import Optional

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

metadata = sa.MetaData()


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Apart from other tests' tables."""


class Membership(Base, table=True):
    """A link row with columns of its own, one of which needs an expression."""

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    project_id: int = Field(primary_key=True, foreign_key="project.id")
    role: str | None = None
    share: Decimal | None = Field(default=None, max_digits=4, decimal_places=2)
    active: bool = True


class Team(Base, table=True):
    id: int = Field(primary_key=True)
    name: str
    members: list["Person"] = Relationship(back_populates="team")


class Person(Base, table=True):
    id: int = Field(primary_key=True)
    name: str
    budget: Decimal | None = Field(default=None, max_digits=9, decimal_places=2)
    team_id: int | None = Field(default=None, foreign_key="team.id")
    boss_id: int | None = Field(
        default=None, sa_column=sa.Column(sa.ForeignKey("person.id", deferrable=True, initially="DEFERRED"))
    )
    team: Optional[Team] = Relationship(back_populates="members")  # noqa: UP045 - SQLModel cannot read `Team | None`
    boss: Optional["Person"] = Relationship(
        back_populates="reports", sa_relationship_kwargs={"remote_side": "Person.id"}
    )
    reports: list["Person"] = Relationship(back_populates="boss")
    projects: list["Project"] = Relationship(back_populates="people", link_model=Membership)
    desk: Optional["Desk"] = Relationship(back_populates="person", sa_relationship_kwargs={"uselist": False})
    red_desks: list["Desk"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(Person.id == foreign(Desk.person_id), Desk.color.in_(['red', 'dark \"red\"']))",
            "viewonly": True,
        }
    )


class Project(Base, table=True):
    id: int = Field(primary_key=True)
    title: str
    people: list[Person] = Relationship(back_populates="projects", link_model=Membership)


class Desk(Base, table=True):
    floor: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    color: str = "grey"
    person_id: int | None = Field(default=None, foreign_key="person.id")
    person: Person | None = Relationship(back_populates="desk")
