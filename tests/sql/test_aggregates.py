"""Groups and aggregates are what Python makes of the same rows, on both databases."""

import enum
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Optional
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, NaiveDatetime, field_serializer, field_validator
from pydantic_core import to_jsonable_python
from sqlmodel import Field, Relationship

from onetrip import Resource, SoftDelete
from tests.schema.serving import Served, base, served
from tests.sql.answers import QUIET
from tests.support.databases import Server, postgresql_backend, sqlite_backend

pytestmark = QUIET

Base = base()

EXAMPLES = int(os.environ.get("ONETRIP_EXAMPLES", "25"))
"""How many sets of rows there are, each with four requests; at length, 1250."""


class Color(enum.Enum):
    """Stored by name: by label, BLUE is less than RED."""

    RED = "a red"
    BLUE = "b blue"


class Shop(Base, table=True):
    id: int = Field(primary_key=True)
    name: str
    sales: list["Sale"] = Relationship(back_populates="shop")


class Sale(SoftDelete, Base, table=True):
    """A column of every type of which there are aggregates."""

    id: int = Field(primary_key=True)
    small: int | None = None
    big: int | None = Field(default=None, sa_type=sa.BigInteger)
    price: Decimal | None = Field(default=None, max_digits=12, decimal_places=2)
    fine: Decimal | None = Field(default=None, max_digits=14, decimal_places=8)
    weight: float | None = None
    note: str | None = None
    color: Color | None = None
    flag: bool | None = None
    day: date | None = None
    moment: datetime | None = None
    local: NaiveDatetime | None = None
    at: time | None = None
    took: timedelta | None = None
    ticket: UUID | None = None
    shop_id: int | None = Field(default=None, foreign_key="shop.id")
    shop: Optional[Shop] = Relationship(back_populates="sales")  # noqa: UP045


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "small": st.integers(-3, 3),
    "big": st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 2**62, 2**32, -(2**31)]),
    "price": st.decimals(-1000, 1000, places=2) | st.sampled_from([Decimal("9999999999.99"), Decimal("0.01")]),
    "fine": st.decimals(-1, 1, places=8),
    "weight": st.integers(-40, 40).map(lambda number: number / 4),
    "note": st.text("aAbé🚀 '", max_size=2),
    "color": st.sampled_from(Color),
    "flag": st.booleans(),
    "day": st.dates(date(2023, 12, 20), date(2025, 1, 10)) | st.sampled_from([date.min, date(9999, 12, 31)]),
    "moment": st.datetimes(datetime(2024, 2, 25), datetime(2024, 3, 5), timezones=st.just(UTC)),
    "local": st.sampled_from([datetime(1, 1, 1), datetime(2024, 2, 29, 23, 59, 59, 999999), datetime(2024, 2, 29, 23)]),
    "at": st.sampled_from([time(9, 30), time(9, 30, 0, 1), time(23, 59, 59)]),
    "took": st.sampled_from([timedelta(0), timedelta(days=-1), timedelta(days=400, microseconds=1)]),
    "ticket": st.sampled_from([UUID(int=1), UUID(int=2**127), UUID(int=2**64)]),
    "shop_id": st.integers(1, 2),
}
NUMBERS = ("small", "big", "price", "fine", "weight")
ORDERED = (*NUMBERS, "note", "color", "day", "moment", "local", "at", "took", "ticket")
SPANS: dict[str, tuple[str, ...]] = {
    "day": ("year", "quarter", "month", "week", "day"),
    "moment": ("year", "quarter", "month", "week", "day", "hour", "minute"),
    "local": ("year", "quarter", "month", "week", "day", "hour", "minute"),
}


@st.composite
def sales(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some rows; a few are deleted."""
    rows = []
    for number in range(draw(st.integers(0, 8))):
        row = {name: draw(st.none() | strategy) for name, strategy in VALUES.items()}
        rows.append(
            {"id": number, **row, "deleted_at": draw(st.sampled_from([None, None, datetime(2026, 1, 1, tzinfo=UTC)]))}
        )
    return rows


@dataclass
class Asked:
    """One request, and what it means in Python."""

    groups: list[str]
    aggregates: list[tuple[str, str]]
    sort: list[tuple[str, bool, str | None]] = field(default_factory=list)
    having: tuple[str, str, int] | None = None
    filter: str = "all"
    limit: int = 50
    offset: int = 0

    @property
    def names(self) -> list[str]:
        return [*self.groups, *(f"{function}.{column}".removesuffix(".*") for function, column in self.aggregates)]

    @property
    def path(self) -> str:
        parts = [FILTERS[self.filter][0], f"limit={self.limit}", f"offset={self.offset}"]
        if self.groups:
            parts.append(f"group={','.join(self.groups)}")
        for function in dict.fromkeys(function for function, _ in self.aggregates):
            parts.append(f"{function}={','.join(column for name, column in self.aggregates if name == function)}")
        if self.sort:
            keys = (f"{'-' * down}{name}{':' + nulls if nulls else ''}" for name, down, nulls in self.sort)
            parts.append(f"sort={','.join(keys)}")
        if self.having is not None:
            name, operator, value = self.having
            parts.append(f"having=(or=({name}__{operator}={value},{name}__is_null=true))")
        return "/sales:aggregate?" + "&".join(filter(None, parts))


Row = dict[str, Any]
FILTERS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "all": ("", lambda row: True),
    "small": ("small__gte=0", lambda row: row["small"] is not None and row["small"] >= 0),
    "shop": ("shop.name=North", lambda row: row["shop_id"] == 1),
    "either": ("or=(flag=true,shop__exists=false)", lambda row: row["flag"] is True or row["shop_id"] is None),
}


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    """Groups, functions, order, conditions and a page."""
    keys = [*VALUES, "shop.name", *(f"{name}:{span}" for name, spans in SPANS.items() for span in spans)]
    groups = draw(st.lists(st.sampled_from(keys), unique=True, max_size=3))
    functions = [("count", "*"), *(("count", name) for name in VALUES), ("min", "shop.name")]
    functions += [(function, name) for function in ("sum", "avg") for name in NUMBERS]
    functions += [(function, name) for function in ("min", "max") for name in ORDERED]
    chosen = draw(st.lists(st.sampled_from(functions), unique=True, min_size=not groups, max_size=4))
    order = {name: at for at, name in enumerate(dict.fromkeys(function for function, _ in chosen))}
    asked = Asked(groups, sorted(chosen, key=lambda each: order[each[0]]))
    asked.filter = draw(st.sampled_from(list(FILTERS)))
    asked.limit, asked.offset = draw(st.sampled_from([(50, 0), (50, 0), (2, 0), (2, 1), (0, 0)]))
    placed = st.tuples(st.sampled_from(asked.names), st.booleans(), st.sampled_from([None, "nullsfirst", "nullslast"]))
    asked.sort = draw(st.lists(placed, unique_by=lambda key: key[0], max_size=2))
    numbers = [name for name in asked.names if name.split(".")[0] in ("count", "sum")]
    if numbers:
        signs = st.sampled_from(["gt", "gte", "lt", "lte", "eq", "ne"])
        conditions = st.tuples(st.sampled_from(numbers), signs, st.sampled_from([0, 1, 2, -5, 2**63, -(2**70)]))
        asked.having = draw(st.none() | conditions)
    if asked.having is not None and asked.having[0].startswith(("count", "sum.weight")) and abs(asked.having[2]) > 5:
        asked.having = (*asked.having[:2], 1)
    return asked


def begin(value: Any, span: str) -> Any:
    """The beginning of a span of time."""
    first = value.replace(day=1) if span in ("year", "quarter", "month") else value
    if span == "year":
        first = first.replace(month=1)
    if span == "quarter":
        first = first.replace(month=(first.month - 1) // 3 * 3 + 1)
    if span == "week":
        first -= timedelta(days=first.weekday())
    if not isinstance(first, datetime):
        return first
    parts = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    kept = {"hour": ("hour",), "minute": ("hour", "minute")}.get(span, ())
    return first.replace(**{name: 0 for name in parts if name not in kept})


def value_of(row: Row, name: str) -> Any:
    if name == "shop.name":
        return {1: "North", 2: "South", None: None}[row["shop_id"]]
    name, _, span = name.partition(":")
    return begin(row[name], span) if span and row[name] is not None else row[name]


def rank(value: Any) -> Any:
    """Order as databases do: an Enum by its label, text by its bytes."""
    value = value.name if isinstance(value, enum.Enum) else value
    return value.encode() if isinstance(value, str) else value


def aggregated(function: str, column: str, rows: Sequence[Row]) -> Any:
    if (function, column) == ("count", "*"):
        return len(rows)
    values = [value for row in rows if (value := value_of(row, column)) is not None]
    if function == "count":
        return len(values)
    if not values:
        return None
    if function in ("min", "max"):
        return {"min": min, "max": max}[function](values, key=rank)
    total = sum(values[1:], values[0])
    if function == "sum":
        return total
    if isinstance(total, Decimal):
        places = {"price": 6, "fine": 8}[column]
        mean = Context(60).divide(total, len(values)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return mean or abs(mean)  # there is no minus zero
    return total / len(values)


def expected(asked: Asked, stored: Sequence[Row]) -> list[Row]:
    """Answer a request in Python."""
    rows = [row for row in stored if row["deleted_at"] is None and FILTERS[asked.filter][1](row)]
    groups: dict[Any, list[Row]] = {} if asked.groups else {(): []}
    for row in rows:
        groups.setdefault(tuple(value_of(row, name) for name in asked.groups), []).append(row)
    found = []
    for key, members in groups.items():
        values = [*key, *(aggregated(function, column, members) for function, column in asked.aggregates)]
        found.append(dict(zip(asked.names, values, strict=True)))
    if asked.having is not None:
        name, operator, value = asked.having
        compare = {"gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__", "eq": "__eq__", "ne": "__ne__"}
        found = [
            group for group in found if group[name] is None or getattr(group[name], compare[operator])(value) is True
        ]
    down = bool(asked.sort) and asked.sort[-1][1]
    given = [name for name, _, _ in asked.sort]
    for name, descending, nulls in [*asked.sort, *((name, down, None) for name in asked.groups if name not in given)][
        ::-1
    ]:
        last = descending if nulls is None else nulls == "nullslast"  # NULL is the largest
        last = not descending if nulls is None else last
        some = sorted((g for g in found if g[name] is not None), key=lambda g: rank(g[name]), reverse=descending)
        none = [group for group in found if group[name] is None]
        found = [*some, *none] if last else [*none, *some]
    return found[asked.offset : asked.offset + asked.limit]


def shown(value: Any) -> Any:
    """Write a value as rows do."""
    if isinstance(value, float):
        return value
    return str(value) if isinstance(value, Decimal) else to_jsonable_python(value)


@pytest.fixture(scope="module")
def both(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    """The same tables on SQLite and on PostgreSQL."""
    shops = [(1, "North"), (2, "South")]
    with ExitStack() as stack:
        sqlite = stack.enter_context(sqlite_backend(tmp_path_factory.mktemp("aggregates")))
        postgresql = stack.enter_context(postgresql_backend(server))
        yield [
            stack.enter_context(served(each, Sale, Shop, rows=[Shop(id=id, name=name) for id, name in shops]))
            for each in (sqlite, postgresql)
        ]


def store(both: Sequence[Served], *rows: Row) -> None:
    for each in both:
        with each.engine.begin() as connection:
            connection.execute(sa.delete(Sale))
            if rows:
                connection.execute(sa.insert(Sale), list(rows))


@given(rows=sales(), asked=st.lists(requests(), min_size=4, max_size=4))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_groups_are_what_python_makes_of_the_rows(both: list[Served], rows: list[Row], asked: list[Asked]) -> None:
    """Any groups, functions, conditions, orders and pages, of any rows."""
    store(both, *rows)
    for each in asked:
        want = [{name: shown(value) for name, value in group.items()} for group in expected(each, rows)]
        for one in both:
            assert one.get(each.path) == want, (one.engine.name, each.path)


# What is beyond the types of a database


def test_a_sum_may_be_wider_than_any_column(both: list[Served]) -> None:
    """Beyond 64 bits it is exact, sorted and compared as a number, whatever order it was added in."""
    most, least = 2**63 - 1, -(2**63)
    rows = [(1, most), (1, most), (1, most), (2, least), (2, least), (3, most), (3, 1), (3, -10), (4, 5), (5, None)]
    plain = dict.fromkeys(VALUES) | {"deleted_at": None}
    store(both, *({**plain, "id": at, "small": small, "big": big} for at, (small, big) in enumerate(rows)))
    sums = {2: 2 * least, 4: 5, 3: most - 9, 1: 3 * most, 5: None}
    for one in both:
        answer = one.get("/sales:aggregate?group=small&sum=big&sort=sum.big")
        assert [(group["small"], group["sum.big"]) for group in answer] == list(sums.items())
        for condition, found in {
            f"sum.big__gt={most}": [1],
            f"sum.big__lte={2 * least}": [2],
            f"sum.big__between=({2 * least + 1},{3 * most - 1})": [4, 3],
            f"sum.big__in=({3 * most},5)": [4, 1],
            "sum.big__is_null=true": [5],
        }.items():
            answer = one.get(f"/sales:aggregate?group=small&sum=big&sort=sum.big&having=({condition})")
            assert [group["small"] for group in answer] == found, condition


def test_sums_of_decimals_are_exact(both: list[Served]) -> None:
    """A tenth and two tenths are three tenths, also on SQLite, which stores floats; averages round half up."""
    plain = dict.fromkeys(VALUES) | {"deleted_at": None}
    prices = [Decimal("0.10"), Decimal("0.20"), Decimal("9999999999.99"), Decimal("-0.05")]
    store(both, *({**plain, "id": at, "price": price} for at, price in enumerate(prices)))
    for one in both:
        assert one.get("/sales:aggregate?sum=price&avg=price") == [
            {"sum.price": "10000000000.24", "avg.price": "2500000000.060000"}
        ]
        assert one.get("/sales:aggregate?sum=price&price__lt=1&having=(sum.price=.25)") == [{"sum.price": "0.25"}]
        assert one.get("/sales:aggregate?sum=price&price__lt=1&having=(sum.price__gt=.25)") == []
    store(both, *({**plain, "id": at, "fine": fine} for at, fine in enumerate([Decimal("0.00000001"), Decimal(0)])))
    for one in both:
        answer = one.get("/sales:aggregate?sum=fine&avg=fine&min=fine")
        assert answer == [{"sum.fine": "1E-8", "avg.fine": "1E-8", "min.fine": "0E-8"}]


def test_floats_without_bounds(both: list[Served]) -> None:
    """A sum that no float holds is null, as infinity is in a row; that of large and tiny ones is not."""
    plain = dict.fromkeys(VALUES) | {"deleted_at": None}
    groups = {
        1: [1e308, 1e308], 2: [-1e308, -1e308, -1e308], 3: [1e308, -1e308, 0.5], 4: [5e-324, 5e-324, 5e-324],
        5: [1.7976931348623157e308], 6: [float("inf"), 1.0],
    }  # fmt: skip
    rows = [(small, weight) for small, weights in groups.items() for weight in weights]
    store(both, *({**plain, "id": at, "small": small, "weight": weight} for at, (small, weight) in enumerate(rows)))
    for one in both:
        answer = {group["small"]: group for group in one.get("/sales:aggregate?group=small&sum=weight&avg=weight")}
        assert [answer[small]["sum.weight"] for small in (1, 2, 5, 6)] == [None, None, 1.7976931348623157e308, None]
        assert answer[3]["sum.weight"] in (0.0, 0.5)  # as floats are added
        assert answer[4] == {"small": 4, "sum.weight": 1.5e-323, "avg.weight": 0.0}
        assert [answer[small]["avg.weight"] for small in (1, 2, 6)] == [None, None, None]


def test_what_is_not_a_number(both: list[Served]) -> None:
    """PostgreSQL stores it, and a group that has it has no sum that JSON could show."""
    _, postgresql = both
    plain = dict.fromkeys(VALUES) | {"deleted_at": None}
    store([postgresql], *({**plain, "id": at, "weight": float(text)} for at, text in enumerate(["nan", "1", "-inf"])))
    answer = postgresql.get("/sales:aggregate?sum=weight&avg=weight&min=weight&max=weight&count=weight")
    assert answer == [
        {"sum.weight": None, "avg.weight": None, "min.weight": None, "max.weight": None, "count.weight": 3}
    ]


def test_moments_however_they_are_stored(both: list[Served]) -> None:
    """On SQLite a moment is the same with a fraction of zeros, without one, as a date, and in another zone."""
    sqlite, _ = both
    texts = [
        "2024-01-01 00:00:00.000000", "2024-01-01 00:00:00", "2024-01-01", "2024-01-01T01:00:00+01:00",
        "2024-01-01 00:00:00.500000",
    ]  # fmt: skip
    insert = sa.text("INSERT INTO sale (id, moment, at) VALUES (:id, :moment, :at)")
    store(both)
    with sqlite.engine.begin() as connection:
        connection.execute(insert, [{"id": at, "moment": text, "at": "09:30:00"} for at, text in enumerate(texts)])
        connection.execute(insert, {"id": 9, "moment": None, "at": "09:30:00.000000"})
    assert sqlite.get("/sales:aggregate?group=moment&count=*") == [
        {"moment": "2024-01-01T00:00:00Z", "count": 4},
        {"moment": "2024-01-01T00:00:00.500000Z", "count": 1},
        {"moment": None, "count": 1},
    ]
    path = "/sales:aggregate?group=moment:week&min=moment&max=moment&having=(moment:week__gte=2024-01-01)"
    assert sqlite.get(path) == [
        {"moment:week": "2024-01-01T00:00:00Z", "min.moment": "2024-01-01T00:00:00Z",
         "max.moment": "2024-01-01T00:00:00.500000Z"},
    ]  # fmt: skip
    assert sqlite.get("/sales:aggregate?group=at&count=*") == [{"at": "09:30:00", "count": 6}]


# What Python writes


class Masked(Base, table=True):
    """Shows its address in a way of its own."""

    id: int = Field(primary_key=True)
    email: str = "ada@example.com"
    points: int = 3

    @field_serializer("email")
    def mask(self, email: str) -> str:
        """Show where it is."""
        return "***@" + email.partition("@")[2]


class Strict(Base, table=True):
    id: int = Field(primary_key=True)
    name: str = "x"


class StrictRead(BaseModel):
    """Changes what it is given."""

    id: int
    name: str

    @field_validator("name")
    @classmethod
    def louder(cls, name: str) -> str:
        """Shout."""
        return name.upper()


class Odd(Base, table=True):
    """Types that one database has not, or of which there is little to say."""

    id: int = Field(primary_key=True)
    single: Decimal | None = Field(default=None, sa_type=sa.Float(asdecimal=True, decimal_return_scale=4))
    large: Decimal | None = Field(default=None, sa_type=sa.Numeric(30, 2))
    label: str | None = Field(default=None, sa_type=sa.Enum("b", "a", name="labels"))
    count: int = 1
    sum: int = 2
    settings: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))


@pytest.fixture(scope="module")
def odd(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    rows = [
        Masked(id=1), Strict(id=1),
        Odd(id=1, single=Decimal("0.1"), large=Decimal(2**90), label="b", settings={"a": 1}),
        Odd(id=2, single=Decimal("0.2"), large=Decimal(2**90), label="a", count=2),
    ]  # fmt: skip
    with ExitStack() as stack:
        sqlite = stack.enter_context(sqlite_backend(tmp_path_factory.mktemp("odd")))
        postgresql = stack.enter_context(postgresql_backend(server))
        resources = [Masked, Resource(Strict, read=StrictRead), Odd]
        yield [
            stack.enter_context(served(each, *resources, rows=[type(row)(**row.model_dump()) for row in rows]))
            for each in (sqlite, postgresql)
        ]


def test_what_python_writes_is_only_counted(odd: list[Served]) -> None:
    """Neither a group nor the least of them shows a column other than its serializer does."""
    for one in odd:
        for path in ("/maskeds:aggregate?group=email", "/stricts:aggregate?group=name"):
            assert "cannot be grouped by" in one.refusal(path)
        for path in ("/maskeds:aggregate?min=email", "/stricts:aggregate?max=name"):
            assert " has no 'm" in one.refusal(path)
        assert one.get("/maskeds:aggregate?count=email&sum=points") == [{"count.email": 1, "sum.points": 3}]


def test_odd_types(odd: list[Served]) -> None:
    """Floats that are read as decimals, decimals beyond the digits of a float, Enums without a class, free JSON."""
    for one in odd:
        assert one.get("/odds:aggregate?sum=single,large&max=label&count=settings") == [
            {
                "sum.single": "0.3000",
                "sum.large": f"{2**91}.00",
                "max.label": "b",
                "count.settings": 1,
            }
        ]
        assert one.get("/odds:aggregate?group=label,single&having=(label=a)") == [{"label": "a", "single": "0.2000"}]
        answer = one.get("/odds:aggregate?group=label&min=label&having=(min.label__in=(a,b))")
        assert answer == [{"label": "a", "min.label": "a"}, {"label": "b", "min.label": "b"}]


def test_columns_that_are_called_like_parameters(odd: list[Served]) -> None:
    """They are filtered by their operator, and grouped and added like others."""
    for one in odd:
        assert one.get("/odds:aggregate?sum=sum,count&sum__eq=2") == [{"sum.sum": 4, "sum.count": 3}]
        assert one.get("/odds:aggregate?group=count&sort=-count") == [{"count": 2}, {"count": 1}]
        assert "twice" in one.refusal("/odds:aggregate?group=count&count=*")
        assert json.loads(one.text("/odds:aggregate?count__eq=2"))[0] == {"count": 1}
