"""`rank` and `running` in `fields`: what a row is among all rows of its list, on both databases."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from typing import Any, Optional

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import computed_field
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from tests.schema.serving import Served, served
from tests.support.counting import count_statements
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class Team(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    players: list["Player"] = Relationship(back_populates="team")


class Player(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    points: int | None = None
    wins: int = Field(default=0, sa_type=sa.BigInteger)
    prize: Decimal | None = Field(default=None, max_digits=12, decimal_places=2)
    weight: float = 1.5
    team_id: int | None = Field(default=None, foreign_key="team.id")
    team: Optional[Team] = Relationship(back_populates="players")  # noqa: UP045


class Medal(Base, table=True):
    """Has a column of that name, and is written by Python."""

    id: int | None = Field(default=None, primary_key=True)
    rank: int
    grams: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_gold(self) -> bool:
        return self.rank == 1


@pytest.fixture
def it(backend: Backend) -> Iterator[Served]:
    with served(backend, Team, Player, Medal) as found:
        found.client.send("POST", "/teams", [{}, {}])
        rows: list[dict[str, Any]] = [
            {"name": "ada", "points": 5, "prize": "0.10", "team_id": 1},
            {"name": "bea", "points": 7, "prize": "0.20", "team_id": 2},
            {"name": "cleo", "points": None, "prize": None, "team_id": 1},
            {"name": "dora", "points": 7, "prize": "9999999999.99"},
            {"name": "eve", "points": 1, "prize": "0.01", "team_id": 1},
        ]
        assert found.client.send("POST", "/players", rows).status == 201
        found.client.send("POST", "/medals", [{"rank": 2, "grams": 5}, {"rank": 1, "grams": 7}])
        yield found


def listed(it: Served, target: str) -> list[dict[str, Any]]:
    answer = it.client.get(target)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()
    return found


def test_a_rank_is_the_place_in_the_order(it: Served, backend: Backend) -> None:
    """Rows that `sort` does not tell apart have the same; the list, its page and its filter say among whom."""
    with count_statements(backend, it.api) as statements:
        rows = listed(it, "/players?fields=name,rank&sort=-points:nullslast")
    assert len(statements) == 1
    assert [(row["name"], row["rank"]) for row in rows] == [
        ("dora", 1), ("bea", 1), ("ada", 3), ("eve", 4), ("cleo", 5),
    ]  # fmt: skip
    assert listed(it, "/players?fields=rank,id&sort=-points:nullslast&limit=2&offset=2") == [
        {"rank": 3, "id": 1}, {"rank": 4, "id": 5},
    ]  # fmt: skip
    assert listed(it, "/players?fields=id,rank&points__lt=7") == [{"id": 1, "rank": 1}, {"id": 5, "rank": 2}]
    assert listed(it, "/teams/1/players?fields=id,rank&sort=points") == [
        {"id": 5, "rank": 1}, {"id": 1, "rank": 2}, {"id": 3, "rank": 3},
    ]  # fmt: skip


def test_a_running_sum_is_exact(it: Served) -> None:
    """It is written as such a column is, and is nothing before the first value."""
    rows = listed(it, "/players?fields=id,running.points,running.prize&sort=-id")
    assert [row["running.points"] for row in rows] == [1, 8, 8, 15, 20]
    sums = [None if row["running.prize"] is None else Decimal(row["running.prize"]) for row in rows]
    assert sums == [Decimal(text) for text in ("0.01", "10000000000.00", "10000000000.00", "10000000000.20",
                                               "10000000000.30")]  # fmt: skip
    assert [row["running.points"] for row in listed(it, "/players?fields=running.points&sort=points:nullsfirst")] == [
        None, 1, 6, 13, 20,
    ]  # fmt: skip
    it.client.send("POST", "/players", [{"name": "max", "wins": 2**63 - 1}] * 3)
    assert listed(it, "/players?fields=running.wins&sort=-id&limit=3")[2]["running.wins"] == 3 * (2**63 - 1)


def test_a_column_of_the_name_is_the_column(it: Served) -> None:
    """And rows that Python writes have windows, too."""
    assert listed(it, "/medals?fields=rank,is_gold,running.grams") == [
        {"rank": 2, "is_gold": False, "running.grams": 5}, {"rank": 1, "is_gold": True, "running.grams": 12},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "loc", "kind"),
    [
        ("/players?fields=running", "fields", "unknown_field"),
        ("/players?fields=running.name", "fields", "not_summable"),
        ("/players?fields=running.weight", "fields", "not_summable"),
        ("/players?fields=running.nothing", "fields", "unknown_field"),
        ("/players?fields=rank.points", "fields", "unknown_relation"),
        ("/players/1?fields=rank", "fields", "unknown_field"),
        ("/teams?fields=players.rank", "fields", "unknown_field"),
        ("/teams?include=players(fields=(rank))", "fields", "unknown_field"),
        ("/players?sort=rank", "sort", "unknown_field"),
    ],
)
def test_what_is_no_window_is_refused(it: Served, target: str, loc: str, kind: str) -> None:
    """A row alone has no rank, and an embed has none."""
    answer = it.client.get(target)
    (item,) = answer.json()["errors"]
    assert (answer.status, item["loc"], item["type"]) == (422, ["query", loc], kind), item


def test_pages_with_windows_are_numbered(it: Served) -> None:
    """Behind a cursor, nobody knows how many rows came before."""
    link = it.client.get("/players?fields=id,rank&limit=2").headers["link"]
    assert "offset=2" in link and "after" not in link
    cursor = it.client.get("/players?limit=2").headers["link"].split("after=")[1].split(">")[0]
    refused = it.client.get(f"/players?fields=id,rank&limit=2&after={cursor}")
    assert (refused.status, refused.json()["errors"][0]["type"]) == (422, "contradiction")


POINTS = st.lists(st.tuples(st.none() | st.integers(-3, 3), st.none() | st.decimals(-9, 9, places=2)), max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=POINTS, descending=st.booleans())
def test_windows_are_what_python_makes_of_the_list(
    it: Served, rows: list[tuple[int | None, Decimal | None]], descending: bool
) -> None:
    """Of any rows, in any order of them."""
    with it.engine.begin() as connection:
        connection.execute(sa.delete(Player))
        if rows:
            connection.execute(
                sa.insert(Player),
                [{"name": "x", "wins": 0, "weight": 1.0, "points": points, "prize": prize} for points, prize in rows],
            )
    sign = "-" if descending else ""
    query = f"fields=points,prize,rank,running.points,running.prize&sort={sign}points:nullslast"
    found = listed(it, f"/players?{query}&limit=1000")
    points = [row["points"] for row in found]
    assert [row["rank"] for row in found] == [points.index(value) + 1 for value in points]
    for name, convert in (("points", int), ("prize", Decimal)):
        values = [None if row[name] is None else convert(row[name]) for row in found]
        sums = accumulate(values, lambda total, value: total if value is None else value + (total or 0))
        shown = [row[f"running.{name}"] for row in found]
        assert [None if value is None else convert(value) for value in shown] == list(sums)
