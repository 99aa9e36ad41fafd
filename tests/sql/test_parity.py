"""The same answer three ways: SQL on SQLite, SQL on PostgreSQL, the ORM's row through the Read model."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sql import samples, values
from tests.sql.answers import QUIET, Serve, Service, serving
from tests.sql.samples import Document, Loose, Matrix, Sample, Special
from tests.support.databases import Server, postgresql_backend

pytestmark = QUIET

generated = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
"""A few examples of many rows each."""


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    """Tables of every type on both databases."""
    return serve_both(Sample, Document, Loose, metadata=[samples.SHARED])


@pytest.fixture(scope="module")
def special(server: Server) -> Iterator[Service]:
    """Tables of PostgreSQL's own types."""
    with (
        postgresql_backend(server) as backend,
        serving(backend, Special, Matrix, metadata=[samples.POSTGRESQL]) as service,
    ):
        yield service


def rows(model: type[Any], column: str, stored: list[Any]) -> list[Any]:
    return [model(id=number, **{column: value}) for number, value in enumerate([*stored, None], 1)]


def lines(body: bytes) -> list[str]:
    """Split a list into its objects, so that a difference is short."""
    return body.decode().replace('},{"id"', '},\n{"id"').splitlines()


def test_sql_writes_every_type(both: tuple[Service, Service], special: Service) -> None:
    """No type among these needs Python to write it, but a float that is read as a Decimal does on PostgreSQL."""
    assert both[0].api.notes == ()
    assert [note.split(":")[0] for note in both[1].api.notes] == ["/looses"]
    assert [note.split(":")[0] for note in special.api.notes] == ["/matrices"]


@pytest.mark.parametrize("column", values.EXACT)
def test_bytes_are_equal(both: tuple[Service, Service], column: str) -> None:
    """Both databases write a column byte for byte as Pydantic writes the ORM's row."""
    always, more = values.EXACT[column]

    @generated
    @given(st.lists(more, max_size=25))
    def check(drawn: list[Any]) -> None:
        for service in both:
            service.store(*rows(Sample, column, always + drawn))
            assert lines(service.whole(Sample)) == lines(service.expected(Sample)), service.name
        assert lines(both[0].whole(Sample)) == lines(both[1].whole(Sample))

    check()


@pytest.mark.parametrize("column", values.EQUAL)
def test_values_are_equal(both: tuple[Service, Service], column: str) -> None:
    """JSON columns hold the same values on both databases as in the ORM's row."""
    always, more = values.EQUAL[column]

    @generated
    @given(st.lists(more, max_size=10))
    def check(drawn: list[Any]) -> None:
        for service in both:
            service.store(*rows(Document, column, always + drawn))
            assert json.loads(service.whole(Document)) == json.loads(service.expected(Document)), service.name
        assert json.loads(both[0].whole(Document)) == json.loads(both[1].whole(Document))

    check()


@pytest.mark.parametrize("column", values.LOOSE)
def test_each_database_is_written_as_it_is_read(both: tuple[Service, Service], column: str) -> None:
    """Where the databases store different values, each answer is byte for byte what Pydantic writes of that value."""
    always, more = values.LOOSE[column]

    @generated
    @given(st.lists(more, max_size=25))
    def check(drawn: list[Any]) -> None:
        for service in both:
            service.store(*rows(Loose, column, always + drawn))
            assert lines(service.whole(Loose)) == lines(service.expected(Loose)), service.name

    check()


@pytest.mark.parametrize("column", values.SPECIAL)
def test_postgresql_types(special: Service, column: str) -> None:
    """Arrays, addresses and times with a zone are written byte for byte as Pydantic writes them."""
    always, more = values.SPECIAL[column]

    @generated
    @given(st.lists(more, max_size=10))
    def check(drawn: list[Any]) -> None:
        special.store(*rows(Special, column, always + drawn))
        assert lines(special.whole(Special)) == lines(special.expected(Special))

    check()


def test_arrays_of_arrays(special: Service) -> None:
    """Where items of arrays in an array need an expression each, Python writes what Pydantic does."""
    cells = [[Decimal("1.5"), None], [Decimal(0), Decimal("-2.25")]]
    special.store(*rows(Matrix, "cells", [cells, []]))
    assert any(note.startswith("/matrices: written in Python") for note in special.api.notes)
    assert lines(special.whole(Matrix)) == lines(special.expected(Matrix))


def test_whole_rows_are_equal(both: tuple[Service, Service]) -> None:
    """Rows in which every column has a value are equal byte for byte, each on its own too."""
    given = {name: always for name, (always, _) in values.EXACT.items() if always}
    for service in both:
        stored = [{name: always[at % len(always)] for name, always in given.items()} for at in range(25)]
        service.store(*(Sample(id=at, **columns) for at, columns in enumerate(stored)))
        assert lines(service.whole(Sample)) == lines(service.expected(Sample)), service.name
    assert both[0].get("/samples/7") == both[1].get("/samples/7") == both[0].shown(both[0].rows(Sample)[7])


def test_every_float_is_equal(both: tuple[Service, Service]) -> None:
    """Floats beyond 2^53, of which PostgreSQL may write a digit more (9.999999999999999e+22), are equal as values."""

    @generated
    @given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
    def check(drawn: list[float]) -> None:
        for service in both:
            service.store(*rows(Sample, "ratio", [1e23, *drawn]))
            assert [row["ratio"] for row in json.loads(service.whole(Sample))] == [1e23, *drawn, None]

    check()


def test_whole_decimals_have_no_exponent(both: tuple[Service, Service]) -> None:
    """asyncpg reads 10000 as Decimal('1E+4'); it is written as it is stored, on both databases."""
    for service in both:
        service.store(*rows(Sample, "whole", [Decimal(10_000)]))
        assert json.loads(service.whole(Sample, "&fields=whole"))[0] == {"whole": "10000"}


def test_aware_columns_are_utc(both: tuple[Service, Service]) -> None:
    """A timezone-aware column of SQLAlchemy's own, which SQLite stores without its zone, is in UTC on both."""
    moment, at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC), time(9, 30, tzinfo=UTC)
    shown = []
    for service in both:
        service.store(Loose(id=1, zoned=moment, zoned_at=at))
        shown.append(json.loads(service.whole(Loose, "&fields=zoned,zoned_at"))[0])
    assert shown[0] == {"zoned": "2026-01-31T09:30:00Z", "zoned_at": "09:30:00"}
    assert shown[1] == {"zoned": "2026-01-31T09:30:00Z", "zoned_at": "09:30:00Z"}
