"""Changes of models, each on tables that have rows: what tests of revisions begin with, and what they end with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tests.migrations.revisions import models


@dataclass(frozen=True)
class Change:
    """Models before and after. `rows` are stored in between, and read again as `found` by `read`."""

    before: Callable[[], sa.MetaData]
    after: Callable[[], sa.MetaData]
    options: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    read: str = ""
    found: tuple[tuple[Any, ...], ...] = ()
    only: str | None = None


def person(*items: Any, name: str = "person", key: str = "name") -> sa.MetaData:
    """A table with a key and a name, and what else is given."""
    metadata = models()
    sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column(key, sa.String(50)), *items)
    return metadata


def team(*items: Any) -> sa.MetaData:
    """Two tables: people, and teams."""
    metadata = person(sa.Column("team_id", sa.Integer), *items)
    sa.Table("team", metadata, sa.Column("id", sa.Integer, primary_key=True))
    return metadata


ADA = "INSERT INTO person (id, name) VALUES (1, 'Ada')"

CHANGES = {
    "table_added": Change(
        person,
        lambda: team(sa.ForeignKeyConstraint(["team_id"], ["team.id"]), sa.UniqueConstraint("team_id", "name")),
        rows=(ADA,), read="SELECT id, name, team_id FROM person", found=((1, "Ada", None),),
    ),
    "foreign_key_added": Change(
        team,
        lambda: team(sa.ForeignKeyConstraint(["team_id"], ["team.id"], ondelete="CASCADE")),
        rows=("INSERT INTO team (id) VALUES (1)", "INSERT INTO person (id, name, team_id) VALUES (1, 'Ada', 1)"),
        read="SELECT id, team_id FROM person", found=((1, 1),),
    ),
    "index_added": Change(person, lambda: person(sa.Index("ix_person_name", "name")), rows=(ADA,)),
    "index_dropped": Change(lambda: person(sa.Index("ix_person_name", "name")), person, rows=(ADA,)),
    "index_changed": Change(
        lambda: person(sa.Index("ix_person_name", "name")),
        lambda: person(sa.Index("ix_person_name", "name", "id", unique=True)), rows=(ADA,),
    ),
    "unique_added": Change(person, lambda: person(sa.UniqueConstraint("name")), rows=(ADA,)),
    "unique_deferrable": Change(
        person, lambda: person(sa.UniqueConstraint("name", deferrable=True, initially="DEFERRED")), only="postgresql"
    ),
    "unique_dropped": Change(lambda: person(sa.UniqueConstraint("name")), person, rows=(ADA,)),
    "column_added_with_default": Change(
        person,
        lambda: person(
            sa.Column("level", sa.Integer, default=3, nullable=False),
            sa.Column("active", sa.Boolean, default=True, nullable=False),
            sa.Column("note", sa.Text, default="it's", nullable=False),
        ),
        rows=(ADA,), read="SELECT level, note FROM person WHERE active", found=((3, "it's"),),
    ),
    "column_added_and_filled": Change(
        person,
        lambda: person(sa.Column("level", sa.Integer, nullable=False, index=True)),
        options={"fill": ("person.level=7",)},
        rows=(ADA,), read="SELECT level FROM person", found=((7,),),
    ),
    "column_not_null": Change(
        lambda: person(sa.Column("level", sa.Integer)),
        lambda: person(sa.Column("level", sa.Integer, nullable=False)),
        options={"fill": ("person.level=7",)},
        rows=(ADA,), read="SELECT level FROM person", found=((7,),),
    ),
    "columns_not_null_in_renamed_table": Change(
        lambda: person(sa.Column("level", sa.Integer), sa.Column("note", sa.Text)),
        lambda: person(
            sa.Column("level", sa.Integer, nullable=False),
            sa.Column("note", sa.Text, nullable=False, default="it's 50% :off"), sa.Column("size", sa.Integer),
            name="people",
        ),
        options={"fill": ("people.level=7",), "rename_table": ("person:people",)},
        rows=(ADA,), read="SELECT level, note FROM people", found=((7, "it's 50% :off"),),
    ),
    "check_of_signs": Change(
        person,
        lambda: person(
            sa.CheckConstraint(r"name NOT LIKE 'z%' AND name <> ' \:word'", name="signs"),
            sa.Column("note", sa.String(20), nullable=False, default="50% :off"),
        ),
        rows=(ADA,), read="SELECT note FROM person", found=(("50% :off",),),
    ),
    "column_renamed": Change(
        person, lambda: person(key="label"), options={"rename": ("person.name:label",)},
        rows=(ADA,), read="SELECT id, label FROM person", found=((1, "Ada"),),
    ),
    "table_renamed": Change(
        lambda: person(sa.Index("ix_person_name", "name")),
        lambda: person(sa.Index("ix_people_name", "name"), name="people"),
        options={"rename_table": ("person:people",)},
        rows=(ADA,), read="SELECT id, name FROM people", found=((1, "Ada"),),
    ),
    "both_renamed": Change(
        person, lambda: person(name="human", key="label"),
        options={"rename_table": ("person:human",), "rename": ("human.name:label",)},
        rows=(ADA,), read="SELECT id, label FROM human", found=((1, "Ada"),),
    ),
    "column_dropped": Change(
        lambda: person(sa.Column("level", sa.Integer, index=True)), person, options={"allow_drop": True}, rows=(ADA,),
        read="SELECT * FROM person", found=((1, "Ada"),),
    ),
    "column_dropped_with_indexes": Change(
        lambda: person(
            sa.Column("level", sa.Integer, server_default="5"), sa.Index("ix_down", sa.text("level DESC")),
            sa.Index("ix_some", "name", postgresql_where=sa.text("level > 3"), sqlite_where=sa.text("level > 3")),
        ),
        person, options={"allow_drop": True}, rows=(ADA,),
    ),
    "table_dropped": Change(team, person, options={"allow_drop": True}, rows=(ADA,)),
    "table_dropped_with_foreign_key": Change(
        lambda: team(sa.ForeignKeyConstraint(["team_id"], ["team.id"])), person, options={"allow_drop": True},
        rows=(ADA,), read="SELECT * FROM person", found=((1, "Ada"),),
    ),
    "unique_renamed": Change(
        lambda: person(sa.UniqueConstraint("name", name="uq_old")), lambda: person(sa.UniqueConstraint("name")),
        rows=(ADA,),
    ),
    "check_added": Change(person, lambda: person(sa.CheckConstraint("name <> ''", name="full")), rows=(ADA,)),
    "check_changed": Change(
        lambda: person(sa.CheckConstraint("name <> ''", name="full")),
        lambda: person(sa.CheckConstraint("length(name) > 1", name="full")), rows=(ADA,),
    ),
    "enum_label_added": Change(
        lambda: person(sa.Column("mood", sa.Enum("happy", "sad", name="mood"))),
        lambda: person(sa.Column("mood", sa.Enum("happy", "sad", "calm", name="mood")), sa.Column("note", sa.Text)),
        rows=("INSERT INTO person (id, name, mood) VALUES (1, 'Ada', 'sad')",),
        read="SELECT mood FROM person", found=(("sad",),), only="postgresql",
    ),
    "moment_aware": Change(
        lambda: person(sa.Column("seen", sa.DateTime)),
        lambda: person(sa.Column("seen", sa.DateTime(timezone=True))),
        rows=("INSERT INTO person (id, name, seen) VALUES (1, 'Ada', '2026-01-31 09:30')",),
        read="SELECT (seen AT TIME ZONE 'UTC')::text FROM person", found=(("2026-01-31 09:30:00",),),
        only="postgresql",
    ),
    "index_of_expression": Change(
        person, lambda: person(sa.Index("ix_lower", sa.text("lower(name)"))), rows=(ADA,), only="postgresql"
    ),
    "number_of_text_with_default": Change(
        lambda: person(
            sa.Column("level", sa.String(10), server_default="5"), sa.Index("ix_lower", sa.text("lower(name)")),
            sa.Column("data", sa.JSON().with_variant(JSONB(), "postgresql")),
        ),
        lambda: person(
            sa.Column("level", sa.Integer, server_default="7"),
            sa.Column("data", sa.JSON().with_variant(JSONB(), "postgresql")),
        ),
        rows=(ADA,), read="SELECT level FROM person", found=((5,),),
    ),
    "number_of_text": Change(
        lambda: person(sa.Column("level", sa.String(10))),
        lambda: person(sa.Column("level", sa.Integer)),
        rows=("INSERT INTO person (id, name, level) VALUES (1, 'Ada', '12')",),
        read="SELECT level FROM person", found=((12,),),
    ),
}  # fmt: skip
