"""Walking a list by cursors, forwards and backwards: every row once, in the order of the list, on both databases."""

import base64
import os
import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Optional
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import computed_field
from sqlmodel import Field, Relationship

from onetrip import Resource
from tests.http.client import Answer
from tests.schema.serving import Served, base, served
from tests.support.databases import Backend, shared_backend

QUIET = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does .not. support Decimal:sqlalchemy.exc.SAWarning")
LINK = re.compile(r'<([^>]*)>; rel="(\w+)"')

Base = base()


class Kind(Enum):
    """Labels sort in another way than they are declared, and differ from values."""

    pear = "a pear"
    apple = "b apple"
    fig = "c fig"


class Owner(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str | None = None
    things: list["Thing"] = Relationship(back_populates="owner")


class Thing(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    number: int | None = None
    text: str | None = None
    moment: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    local: datetime | None = Field(default=None, sa_type=sa.DateTime())
    amount: Decimal | None = Field(default=None, max_digits=12, decimal_places=4)
    kind: Kind | None = None
    ratio: float | None = None
    small: float | None = Field(default=None, sa_type=sa.REAL)
    flag: bool = False
    day: date | None = None
    code: UUID | None = None
    span: timedelta | None = None
    raw: bytes | None = None
    owner_id: int | None = Field(default=None, foreign_key="owner.id")
    owner: Optional[Owner] = Relationship(back_populates="things")  # noqa: UP045


class Noted(Base, table=True):
    """Rows that Python writes."""

    id: int | None = Field(default=None, primary_key=True)
    number: int | None = None

    @computed_field
    def twice(self) -> int:
        return 2 * (self.number or 0)


NAMES = [
    "id", "number", "text", "moment", "local", "amount", "kind", "ratio", "small", "flag", "day", "code", "span", "raw",
    "owner.name", "owner_id",
]  # fmt: skip
_MOMENT = datetime(2026, 1, 31, 9, 30)
FEW: dict[str, list[Any]] = {
    "number": [None, -1, 0, 2**31 - 1],
    "text": [None, "", "a", "A", "ä", "a b", '"],', "\x1f\x1e", "日本"],
    "moment": [
        None,
        _MOMENT.replace(tzinfo=UTC),
        _MOMENT.replace(tzinfo=UTC, microsecond=1),
        datetime.max.replace(tzinfo=UTC),
    ],
    "local": [None, _MOMENT, _MOMENT.replace(microsecond=120_000), datetime.min],
    "amount": [None, Decimal("0.1"), Decimal("0.1001"), Decimal("-12345678.9012"), Decimal("1.1")],
    "kind": [None, *Kind],
    "ratio": [None, 0.1, 0.1 + 0.2, 0.3, 1e300, -5e-324, 3.0],
    "small": [None, 0.1, 0.3, -1.5],
    "flag": [False, True],
    "day": [None, date(2026, 1, 31), date.max, date.min],
    "code": [None, UUID(int=0), UUID(int=2**128 - 1), UUID(int=5)],
    "span": [None, timedelta(), timedelta(days=400, microseconds=1), timedelta(days=-1)],
    "raw": [None, b"", b"a", b"ab"],
    "owner_id": [None, 1, 2, 3, 4],
}
"""So few values that most rows are equal in most columns."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def things(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Things and their owners, of which there are four; one has the name of another, one has none."""
    owners = [Owner(id=1, name="Ada"), Owner(id=2, name="Ada"), Owner(id=3), Owner(id=4, name="Bob")]
    backend = shared_backend(request.param, request, tmp_path_factory)
    with backend as opened, served(opened, Owner, Thing, Noted, rows=owners) as found:
        yield found


def links(answer: Answer) -> dict[str, str]:
    """The URLs of other pages by their relation."""
    return {relation: url for url, relation in LINK.findall(answer.headers["link"])}


def page(served: Served, url: str) -> tuple[list[Any], dict[str, str]]:
    answer = served.client.get(url)
    assert answer.status == 200, answer.body.decode()
    return answer.json(), links(answer)


def pages(served: Served, url: str, relation: str = "next") -> Iterator[tuple[str, list[Any]]]:
    """Follow links to the end: each URL with its rows."""
    while url:
        rows, found = page(served, url)
        yield url, rows
        url = found.get(relation, "")


def store(served: Served, rows: list[dict[str, Any]], table: Any = Thing) -> None:
    """Make these the only rows."""
    with served.engine.begin() as connection:
        connection.execute(sa.delete(table))
        if rows:
            connection.execute(sa.insert(table), rows)


def check_walks(served: Served, start: str, limit: int) -> None:
    """Forwards, then backwards from each page, gives the list as it is in one go."""
    mark = "&" if "?" in start else "?"
    whole, _ = page(served, f"{start}{mark}limit=1000")
    found = list(pages(served, f"{start}{mark}limit={limit}"))
    assert [row for _, rows in found for row in rows] == whole
    assert all(len(rows) == limit for _, rows in found[:-1])
    assert len(found) == max(1, -(-len(whole) // limit))
    back = list(pages(served, found[-1][0], "prev"))
    assert [rows for _, rows in reversed(back)] == [rows for _, rows in found]
    again = list(pages(served, back[-1][0]))
    assert [rows for _, rows in again] == [rows for _, rows in found]


@st.composite
def sorts(draw: st.DrawFn) -> str:
    keys = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=4))
    signs = draw(st.sampled_from(["", "-", None]))
    written = []
    for key in keys:
        sign = draw(st.sampled_from(["", "-"])) if signs is None else signs
        written.append(sign + key + draw(st.sampled_from(["", "", ":nullsfirst", ":nullslast"])))
    return ",".join(written)


ROWS = st.lists(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in FEW.items()}), max_size=14)
SHOWN = st.sampled_from(["", "&fields=text", "&fields=id,number,text,flag,code,kind", "&include=owner"])
CHOSEN = st.sampled_from(
    ["", "", "&flag=true", "&number__is_null=false", "&or=(flag=false,owner.name__icontains=a)", "&owner__exists=true"]
)
WALKS = int(os.environ.get("ONETRIP_WALKS", "25"))
"""How many lists are walked through on each database: 10,000 before a release."""

QUICK = settings(
    max_examples=WALKS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip


@QUIET
@QUICK
@given(rows=ROWS, sort=sorts(), limit=st.integers(1, 5), shown=SHOWN)
def test_walks(things: Served, rows: list[dict[str, Any]], sort: str, limit: int, shown: str) -> None:
    """Ties, NULLs, mixed directions, columns of a relation, any type, whatever is shown of a row."""
    store(things, rows)
    check_walks(things, f"/things?sort={sort}{shown}", limit)


@QUIET
@pytest.mark.parametrize("sort", ["id", "-number", "number:nullsfirst,-id", "-owner.name,text"])
def test_walks_in_relations_and_filters(things: Served, sort: str) -> None:
    """The rows of one parent, those that filters choose, and both."""
    make = random.Random(sort)
    store(things, [{name: make.choice(values) for name, values in FEW.items()} for _ in range(60)])
    for start in (
        "/owners/1/things?", "/things?flag=true&", "/things?owner.name=Ada&", "/owners/2/things?number__is_null=false&",
        "/things?or=(flag=false,owner.name__icontains=a)&", "/things?number__in=-1,0&",
    ):  # fmt: skip
        check_walks(things, f"{start}sort={sort}", 3)


@QUIET
@pytest.mark.parametrize("sort", ["id", "-number", "number:nullsfirst,-id", "-owner.name,text", "amount,moment"])
def test_walks_in_an_embed(things: Served, sort: str) -> None:
    """The cursors of a parent's collection lead through the rows that are embedded in it."""
    make = random.Random(sort)
    store(things, [{name: make.choice(values) for name, values in FEW.items()} for _ in range(60)])
    for filters in ("", "flag=true", "number__in=(-1,0),or=(flag=true,text__is_null=true)"):
        plain = filters.replace("(-1,0),", "-1,0&")
        for url, rows in pages(things, f"/owners/1/things?sort={sort}&limit=3&{plain}"):
            cursor = "".join(re.findall("after=([^&]*)", url))
            options = ",".join(filter(None, [f"sort=({sort})", "limit=3", cursor and f"after={cursor}", filters]))
            owner = things.client.get(f"/owners/1?include=things({options})")
            assert (owner.status, owner.json()["things"]) == (200, rows), owner.body


def test_walks_over_rows_that_python_writes(things: Served) -> None:
    """Where a row stands is not lost when a model writes it."""
    store(things, [{"id": key, "number": key % 3 or None} for key in range(1, 12)], Noted)
    for sort in ("id", "number", "-number", "-id"):
        check_walks(things, f"/noteds?sort={sort}", 2)
        check_walks(things, f"/noteds?sort={sort}&fields=twice", 4)


class Traffic:
    """Deletes and inserts rows; a key is given once."""

    def __init__(self, served: Served, rows: list[dict[str, Any]], coming: list[dict[str, Any]], seed: int) -> None:
        self.served, self.make = served, random.Random(seed)
        keys = self.make.sample(range(100), len(rows) + len(coming))
        self.there = set(keys[: len(rows)])
        self.coming = [{**row, "id": key} for row, key in zip(coming, keys[len(rows) :], strict=True)]
        store(served, [{**row, "id": key} for row, key in zip(rows, keys, strict=False)])

    def pass_by(self, seen: list[int]) -> set[int]:
        """Delete any row, every other time the one at which a cursor stands, and insert one. Answer who is gone."""
        gone = set(self.make.sample(sorted(self.there), min(1, len(self.there)))) | {*seen[-1:]} & self.there
        if self.make.random() < 0.5:
            gone -= {*seen[-1:]}
        new, self.coming = self.coming[:1], self.coming[1:]
        with self.served.engine.begin() as connection:
            connection.execute(sa.delete(Thing).where(Thing.id.in_(gone)))  # type: ignore[union-attr]
            if new:
                connection.execute(sa.insert(Thing), new)
        self.there = self.there - gone | {row["id"] for row in new}
        return gone

    def walk(self, url: str, relation: str, there: set[int]) -> tuple[list[int], dict[str, str]]:
        """Meet rows page by page, of which some are `there` at first. Answer the last page, and its links."""
        seen: list[int] = []
        while True:
            rows, found = page(self.served, url)
            keys = [row["id"] for row in rows]
            seen += keys if relation == "next" else keys[::-1]
            if relation not in found:
                assert len(seen) == len(set(seen)), (url, seen)
                assert there <= set(seen), (url, there, seen)
                return keys, found
            url = found[relation]
            there = there - self.pass_by(seen)


@QUIET
@QUICK
@given(rows=ROWS, coming=ROWS, sort=sorts(), limit=st.integers(1, 4), chosen=CHOSEN, seed=st.integers(0, 2**32))
def test_rows_that_come_and_go(
    things: Served, rows: list[Any], coming: list[Any], sort: str, limit: int, chosen: str, seed: int
) -> None:
    """Whatever is there throughout is met exactly once, and nothing is met twice, while others come and go."""
    traffic = Traffic(things, rows, coming, seed)
    start = f"/things?sort={sort}&fields=id{chosen}&limit="
    last, found = traffic.walk(f"{start}{limit}", "next", {row["id"] for row in page(things, f"{start}1000")[0]})
    if last and "prev" in found:
        whole = [row["id"] for row in page(things, f"{start}1000")[0]]
        traffic.walk(found["prev"], "prev", {*whole[: whole.index(last[0])]})


def test_a_page_before_rows_that_are_gone(things: Served) -> None:
    """Backwards as well; there is no page before the first row, and none after an empty one."""
    store(things, [{"id": key, "flag": False} for key in range(1, 8)])
    (_, _), (second, _), *_ = pages(things, "/things?limit=3&fields=id")
    _, found = page(things, second)
    with things.engine.begin() as connection:
        connection.execute(sa.delete(Thing).where(Thing.id.in_([2, 4])))  # type: ignore[union-attr]
    rows, before = page(things, found["prev"])
    assert rows == [{"id": 1}, {"id": 3}] and set(before) == {"first", "next"}
    assert page(things, before["next"])[0] == [{"id": 5}, {"id": 6}, {"id": 7}]
    store(things, [])
    for url in (second, found["prev"], found["next"]):
        rows, nothing = page(things, url)
        assert rows == [] and nothing == {"first": "/things?limit=3&fields=id"}


def test_links_to_the_pages_around(things: Served) -> None:
    """`next` if there is more, `prev` on pages that a cursor led to, and no other place to begin is kept."""
    store(things, [{"id": key, "flag": False} for key in range(1, 6)])
    rows, found = page(things, "/things?fields=id&limit=2")
    assert set(found) == {"first", "next"}
    rows, middle = page(things, found["next"])
    assert rows == [{"id": 3}, {"id": 4}] and set(middle) == {"first", "prev", "next"}
    assert middle["first"] == "/things?fields=id&limit=2"
    rows, last = page(things, middle["next"])
    assert rows == [{"id": 5}] and set(last) == {"first", "prev"}
    assert all(
        url.count("after=") + url.count("before=") == 1 for url in (middle["next"], middle["prev"], last["prev"])
    )
    rows, first = page(things, middle["prev"])
    assert rows == [{"id": 1}, {"id": 2}] and set(first) == {"first", "next"}
    escaped = found["next"].replace("after=", "%61fter=")
    assert page(things, escaped) == page(things, found["next"])
    assert page(things, found["next"].replace("limit=2", "limit=0")) == ([], {"first": "/things?fields=id&limit=0"})


@QUIET
def test_as_it_was_stored_by_others(things: Served) -> None:
    """SQLite stores a moment in many ways, a number with more digits than its column has; PostgreSQL knows infinity."""
    store(things, [{"id": key, "flag": False} for key in range(1, 10)])
    if things.engine.dialect.name == "sqlite":
        local = ["'2026-01-31 09:30:00'", "'2026-01-31 09:30:00.000000'", "'2026-01-31T09:30:00'", "17", "1.5"]
        amount = ["0.10004", "0.10001", "9e999", "0.1", "-9e999"]
    else:
        local = ["'infinity'", "'-infinity'", "'9999-12-31 23:59:59.999999'", "'0044-03-15 BC'", "'2026-01-31'"]
        amount = ["'NaN'", "1", "1.1", "'NaN'", "-1"]
    with things.engine.begin() as connection:
        for key in range(1, 10):
            values = f"local = {local[key % 5]}, amount = {amount[key % 5]}"
            connection.exec_driver_sql(f"UPDATE thing SET {values} WHERE id = {key}")
        if things.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("UPDATE thing SET ratio = 'NaN' WHERE id < 4")
            connection.exec_driver_sql("UPDATE thing SET ratio = '-Infinity' WHERE id > 6")
    for sort in ("local", "-local", "amount", "-amount,local", "ratio", "-ratio"):
        for limit in (1, 2):
            check_walks(things, f"/things?fields=id&sort={sort}", limit)


def test_by_a_secret_key(backend: Backend) -> None:
    """A key that is hidden leads from page to page, and nobody reads it."""
    Base = base()

    class Door(Base, table=True):  # type: ignore[misc,valid-type]
        id: int = Field(primary_key=True, exclude=True)
        name: str

    rows = [Door(id=7_700_000 + key, name=name) for key, name in enumerate("aabbcc")]
    with served(backend, Resource(Door), rows=rows) as found:
        walked = list(pages(found, "/doors?limit=1&sort=name"))
        assert [row["name"] for _, [row] in walked] == list("aabbcc")
        assert all(b"7700" not in base64.urlsafe_b64decode(url.rpartition("=")[2] + "==") for url, _ in walked[1:])
