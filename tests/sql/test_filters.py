"""What an answer shows can be asked for, and orders are the same: for every type, on both databases."""

import enum
import json
import math
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from onetrip.errors import Problem
from tests.sql import samples, values
from tests.sql.answers import QUIET, Serve, Service
from tests.sql.samples import Color, Loose, Mode, Sample

pytestmark = QUIET


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    return serve_both(Sample, Loose, metadata=[samples.SHARED])


COLUMNS = [(Sample, column) for column in values.EXACT] + [(Loose, column) for column in ("unscaled", "single", "code")]


def stored_values(column: str) -> list[Any]:
    """Answer the values that are tried always, without those that JSON writes as null."""
    always = (values.EXACT | values.LOOSE)[column][0]
    return [value for value in always if not (isinstance(value, float) and not math.isfinite(value))]


def public(model: type[Any], column: str) -> str:
    return str(model.model_fields[column].serialization_alias or column)


def text_of(shown: Any) -> str:
    """Write a JSON value as a client puts it into a URL."""
    return quote(shown if isinstance(shown, str) else json.dumps(shown, separators=(",", ":")), safe="")


def ids(service: Service, query: str, model: type[Any] = Sample) -> list[int]:
    return [row["id"] for row in json.loads(service.whole(model, f"&fields=id&{query}"))]


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_what_is_shown_is_found(both: tuple[Service, Service], model: type[Any], column: str) -> None:
    """A filter by a value as an answer shows it finds exactly the rows that show it."""
    name = public(model, column)
    for service in both:
        service.store(*(model(id=at, **{column: value}) for at, value in enumerate([*stored_values(column), None] * 2)))
        shown = [row[name] for row in json.loads(service.whole(model))]
        for value in {json.dumps(value): value for value in shown if value is not None}.values():
            found = ids(service, f"{quote(name)}={text_of(value)}", model)
            assert found == [at for at, other in enumerate(shown) if other == value], (service.name, value)


def rank(value: Any) -> Any:
    """Order as databases do: an Enum by what it stores, text by its bytes."""
    if isinstance(value, enum.Enum):
        value = value.value if isinstance(value, Mode) else value.name
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_orders_are_equal(both: tuple[Service, Service], model: type[Any], column: str) -> None:
    """Both databases sort by value, NULL as the largest, and rows of equal values by key in the same direction."""
    stored = [None, *stored_values(column), *reversed(stored_values(column)), None]
    given = sorted((rank(value), at) for at, value in enumerate(stored) if value is not None)
    want = [at for _, at in given] + [0, len(stored) - 1]
    for service in both:
        service.store(*(model(id=at, **{column: value}) for at, value in enumerate(stored)))
        assert ids(service, f"sort={quote(public(model, column))}", model) == want, service.name
        assert ids(service, f"sort=-{quote(public(model, column))}", model) == want[::-1], service.name


def test_moments_however_they_are_stored(both: tuple[Service, Service]) -> None:
    """On SQLite a moment is found with a fraction of zeros, without one, and as a date that is its midnight."""
    sqlite = both[0]
    insert = sa.text("INSERT INTO sample (id, moment, local, at) VALUES (:id, :moment, :moment, substr(:moment, 12))")
    rows = ["2026-01-31 00:00:00.000000", "2026-01-31 00:00:00", "2026-01-31", "2026-01-31 00:00:00.500000"]
    sqlite.sql("DELETE FROM sample", *(insert.bindparams(id=at, moment=text) for at, text in enumerate(rows)))
    assert ids(sqlite, "moment=2026-01-31T00:00:00Z") == [0, 1, 2]
    assert ids(sqlite, "moment=2026-01-31T01:00:00%2B01:00") == [0, 1, 2]
    assert ids(sqlite, "moment=2026-01-31T00:00:00.5Z") == [3]
    assert ids(sqlite, "local=2026-01-31T00:00:00") == [0, 1, 2]
    assert ids(sqlite, "at=00:00:00") == [0, 1]


INDEXED = {"moment": "2026-01-31T09:30:00Z", "day": "2026-01-31", "at": "09:30:00", "price": "1.5", "code": "ab"}


def plan(service: Service, text: str, value: str) -> str:
    """Answer how the database runs a list with one filter, whatever is in the table."""
    if service.name == "sqlite":
        statements = [f"EXPLAIN QUERY PLAN {text.replace('?', '1')}"]
    else:
        statements = [f"SET {name}" for name in ("enable_seqscan = off", "plan_cache_mode = force_generic_plan")]
        statements += [f"PREPARE asked AS {text}", f"EXPLAIN EXECUTE asked('{value}')"]
    with service.backend.engine().connect() as connection:
        rows = [connection.exec_driver_sql(statement) for statement in statements][-1].fetchall()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("column", INDEXED)
def test_an_index_serves_a_filter(both: tuple[Service, Service], column: str) -> None:
    """The condition of a filter is one that an index on its column serves, whatever the type needs."""
    model = Loose if column == "code" else Sample
    for service in both:
        service.sql(f"CREATE INDEX IF NOT EXISTS by_{column} ON {model.__tablename__} ({column})")
        ids(service, f"{column}={INDEXED[column]}", model)
        statement = list(service.api.pipeline.prepared.values())[-1].statement
        found = plan(service, statement.text, INDEXED[column])
        assert f"by_{column}" in found, found


NOTHING = {
    "price=12.505": "more decimals than the column has: not rounded to one that is there",
    "price=123456789012.5": "more digits than the column has",
    "price=1e300": "far more digits",
    "six=0.0000000000000000001": "far more decimals",
    "short=" + "x" * 41: "longer than the column: not cut to one that is there",
    "big=9223372036854775807": "the largest number",
    "ratio=1.7976931348623157e308": "the largest float",
    "ratio=1e-400": "a float that is nothing",
    "day=0001-01-01": "a date that asyncpg sends as minus infinity",
    "day=9999-12-31": "a date that asyncpg sends as infinity",
    "moment=0001-01-01T00:00:00Z": "the first moment",
    "moment=9999-12-31T23:59:59.999999Z": "the last moment",
    "local=9999-12-31T23:59:59.999999": "the last local moment",
    "took=-P700000D": "an interval before the year 100",
    "color=SAME": "a member that no row has",
    "text=%F0%9F%9A%80%E2%80%A8'\"%5C%7B0%7D%25s": "signs that mean something elsewhere",
}
"""Query that no row meets → why it is tried."""


@pytest.mark.parametrize("query", NOTHING)
def test_nothing_is_found(both: tuple[Service, Service], query: str) -> None:
    """A value that no row has finds none; it is not rounded, cut off or refused by the database."""
    for service in both:
        service.store(Sample(id=1, price="12.5", short="x" * 40, text="a", color=Color.RED, ratio=1.0))
        assert ids(service, query) == [], service.name


@pytest.mark.parametrize("value", ["9999-12-31", "0001-01-01"])
def test_the_ends_of_time_are_found(both: tuple[Service, Service], value: str) -> None:
    """The first and the last day are found as others stored them, which asyncpg would send as infinities."""
    for service in both:
        moments = f"'{value}', '{value} 00:00:00', '{value} 00:00:00'"
        service.sql("DELETE FROM sample", f"INSERT INTO sample (id, day, moment, local) VALUES (1, {moments})")
        for column, text in (("day", value), ("moment", f"{value}T00:00:00Z"), ("local", f"{value}T00:00:00")):
            assert ids(service, f"{column}={text}") == [1], (service.name, column)


REFUSED = [
    *("price=NaN", "price=1_0", "price=%D9%A3", "ratio=inf", "ratio=1e999", "took=P1000000000D", "small=40000"),
    *("integer=1.0", "moment=2026-01-31T00:00:00", "moment=2026-01-31T00:00:00+01:00", "local=2026-01-31T00:00:00Z"),
    *("moment=0001-01-01T00:00:00%2B01:00", "day=2026-02-30", "at=24:00", "ticket=0", "color=RED", "level=LOW"),
    *("flag=yes", "text_ticket=0"),
]


@pytest.mark.parametrize("query", REFUSED)
def test_nonsense_is_refused(both: tuple[Service, Service], query: str) -> None:
    """What is no value of a column's type is a 422 that names the parameter."""
    for service in both:
        with pytest.raises(Problem) as refused:
            service.get(f"/samples?{query}")
        assert refused.value.status == 422
        assert refused.value.errors[0].loc == ("query", query.partition("=")[0])


def test_a_text_is_compared_by_its_bytes(both: tuple[Service, Service]) -> None:
    """Case, accents and spaces count, and composed characters differ from decomposed ones."""
    texts = ["a", "A", "á", "a\u0301", "a ", ""]
    for service in both:
        service.store(*(Sample(id=at, text=text, short=text) for at, text in enumerate(texts)))
        for at, text in enumerate(texts):
            assert ids(service, f"text={quote(text)}&short={quote(text)}") == [at], (service.name, text)
