"""The same answer three ways: SQL on SQLite, SQL on PostgreSQL, the ORM's row through the Read model."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sql import samples
from tests.sql.answers import Service, serving
from tests.sql.conftest import Serve
from tests.sql.samples import Document, Loose, Sample, Special
from tests.support.databases import Server, postgresql_backend

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does .not. support Decimal:sqlalchemy.exc.SAWarning")

generated = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    """Tables of every type on both databases."""
    return serve_both(Sample, Document, Loose, metadata=[samples.SHARED])


@pytest.fixture(scope="module")
def special(server: Server) -> Iterator[Service]:
    """Tables of PostgreSQL's own types."""
    with postgresql_backend(server) as backend, serving(backend, Special, metadata=[samples.POSTGRESQL]) as service:
        yield service


def rows(model: type[Any], column: str, values: list[Any]) -> list[Any]:
    return [model(id=number, **{column: value}) for number, value in enumerate([*values, None], 1)]


def test_sql_writes_every_type(both: tuple[Service, Service], special: Service) -> None:
    """No type among these needs Python to write it, but a float that is read as a Decimal does on PostgreSQL."""
    assert both[0].api.notes == ()
    assert [note.split(":")[0] for note in both[1].api.notes] == ["/looses"]
    assert special.api.notes == ()


@pytest.mark.parametrize("column", samples.EXACT)
def test_bytes_are_equal(both: tuple[Service, Service], column: str) -> None:
    """Both databases write a column byte for byte as Pydantic writes the ORM's row."""
    always, more = samples.EXACT[column]

    @generated
    @given(st.lists(more, max_size=25))
    def check(values: list[Any]) -> None:
        for service in both:
            service.store(*rows(Sample, column, always + values))
        sqlite, postgresql = (service.get("/samples?limit=1000") for service in both)
        for service, body in zip(both, (sqlite, postgresql), strict=True):
            assert lines(body) == lines(service.expected(Sample)), service.name
        assert lines(sqlite) == lines(postgresql)

    check()


@pytest.mark.parametrize("column", samples.VALUES)
def test_values_are_equal(both: tuple[Service, Service], column: str) -> None:
    """JSON columns hold the same values on both databases as in the ORM's row."""
    always, more = samples.VALUES[column]

    @generated
    @given(st.lists(more, max_size=10))
    def check(values: list[Any]) -> None:
        for service in both:
            service.store(*rows(Document, column, always + values))
        sqlite, postgresql = (json.loads(service.get("/documents?limit=1000")) for service in both)
        for service, body in zip(both, (sqlite, postgresql), strict=True):
            assert body == json.loads(service.expected(Document)), service.name
        assert sqlite == postgresql

    check()


@pytest.mark.parametrize("column", samples.LOOSE)
def test_each_database_is_written_as_it_is_read(both: tuple[Service, Service], column: str) -> None:
    """Where the databases store different values, each answer is byte for byte what Pydantic writes of that value."""
    always, more = samples.LOOSE[column]

    @generated
    @given(st.lists(more, max_size=25))
    def check(values: list[Any]) -> None:
        for service in both:
            service.store(*rows(Loose, column, always + values))
            assert lines(service.get("/looses?limit=1000")) == lines(service.expected(Loose)), service.name

    check()


@pytest.mark.parametrize("column", samples.SPECIAL)
def test_postgresql_types(special: Service, column: str) -> None:
    """Arrays, addresses and times with a zone are written byte for byte as Pydantic writes them."""
    always, more = samples.SPECIAL[column]

    @generated
    @given(st.lists(more, max_size=10))
    def check(values: list[Any]) -> None:
        special.store(*rows(Special, column, always + values))
        assert lines(special.get("/specials?limit=1000")) == lines(special.expected(Special))

    check()


def test_every_float_is_equal(both: tuple[Service, Service]) -> None:
    """Floats beyond 2^53, of which PostgreSQL sometimes writes a digit more (9.999999999999999e+22), are equal as values."""

    @generated
    @given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
    def check(values: list[float]) -> None:
        for service in both:
            service.store(*rows(Sample, "ratio", [1e23, *values]))
            found = json.loads(service.get("/samples?limit=1000&fields=ratio"))
            assert [row["ratio"] for row in found] == [1e23, *values, None]

    check()


def test_whole_decimals_have_no_exponent(both: tuple[Service, Service]) -> None:
    """asyncpg reads 10000 as Decimal('1E+4'); it is written as it is stored, on both databases."""
    for service in both:
        service.store(*rows(Sample, "whole", [Decimal(10_000)]))
        assert json.loads(service.get("/samples?fields=whole"))[0] == {"whole": "10000"}


def lines(body: bytes) -> list[str]:
    """Split a list into its objects, so that a difference is short."""
    return body.decode().replace('},{"id"', '},\n{"id"').splitlines()
