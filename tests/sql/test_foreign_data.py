"""Data that others wrote: SQLite checks no types, and PostgreSQL has values that Python does not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, computed_field

from onetrip import API, Resource
from onetrip.errors import Broken
from tests.sql import samples, values
from tests.sql.answers import QUIET, Service, serving
from tests.sql.samples import Document, Sample, Special
from tests.support.databases import Server, postgresql_backend, sqlite_backend

pytestmark = QUIET

TABLES = [samples.SHARED, samples.POSTGRESQL]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with (
        sqlite_backend(tmp_path_factory.mktemp("foreign")) as backend,
        serving(backend, Sample, Document, metadata=[samples.SHARED]) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def postgresql(server: Server) -> Iterator[Service]:
    with postgresql_backend(server) as backend, serving(backend, Sample, Special, metadata=TABLES) as service:
        yield service


MOMENTS = {
    "2026-01-31 09:30:00": "2026-01-31T09:30:00",
    "2026-01-31 09:30:00.000000": "2026-01-31T09:30:00",
    "2026-01-31 09:30:00.5": "2026-01-31T09:30:00.500000",
    "2026-01-31 09:30:00.123": "2026-01-31T09:30:00.123000",
    "2026-01-31T09:30:00": "2026-01-31T09:30:00",
    "2026-01-31T09:30:00.250": "2026-01-31T09:30:00.250000",
    "2026-01-31 09:30": "2026-01-31T09:30:00",
    "2026-01-31": "2026-01-31T00:00:00",
}
ZONED = {
    "2026-01-31T09:30:00Z": "2026-01-31T09:30:00Z",
    "2026-01-31T09:30:00.123Z": "2026-01-31T09:30:00.123000Z",
    "2026-01-31T09:30:00.123456789Z": "2026-01-31T09:30:00.123456Z",
    "2026-01-31 09:30:00+02:00": "2026-01-31T07:30:00Z",
    "2026-01-31 09:30:00.1+0200": "2026-01-31T07:30:00.100000Z",
    "2026-01-31 09:30:00.123+02": "2026-01-31T07:30:00.123000Z",
    "2026-01-31 09:30:00.123456-05:30": "2026-01-31T15:00:00.123456Z",
}
AS_STORED = ["", "yesterday", "0001-01-01T00:00:00+02:00", "2026-13-31 09:30:00.1"]


def stored(service: Service, column: str, *given: Any, model: type[Any] = Sample) -> list[Any]:
    """Store values as they are, and answer what the API makes of them."""
    table = model.__tablename__
    insert = sa.text(f'INSERT INTO {table} (id, "{column}") VALUES (:id, :value)')
    rows = (insert.bindparams(id=number, value=value) for number, value in enumerate(given))
    service.sql(f"DELETE FROM {table}", *rows)
    return [row[column] for row in json.loads(service.whole(model, f"&fields={column}"))]


def test_moments_on_sqlite(sqlite: Service) -> None:
    """Whatever way a moment is written, it is read as ISO 8601; without an offset it is UTC. The ORM says the same."""
    spellings = {**{text: f"{shown}Z" for text, shown in MOMENTS.items()}, **ZONED}
    assert stored(sqlite, "moment", *spellings) == list(spellings.values())
    assert json.loads(sqlite.expected(Sample)) == json.loads(sqlite.whole(Sample))


def test_local_moments_on_sqlite(sqlite: Service) -> None:
    """A naive moment may be spelled in as many ways, and an offset that somebody stored is not lost."""
    assert stored(sqlite, "local", *MOMENTS) == list(MOMENTS.values())
    assert json.loads(sqlite.expected(Sample)) == json.loads(sqlite.whole(Sample))
    zoned = {"2026-01-31 09:30:00+02:00": "2026-01-31T09:30:00+02:00", "2026-01-31T09:30Z": "2026-01-31T09:30:00Z"}
    assert stored(sqlite, "local", *zoned) == list(zoned.values())


def test_current_timestamp(sqlite: Service) -> None:
    """What `CURRENT_TIMESTAMP` stores is a moment like any other."""
    sqlite.sql("DELETE FROM sample", "INSERT INTO sample (id, moment) VALUES (1, CURRENT_TIMESTAMP)")
    assert sqlite.get("/samples") == sqlite.expected(Sample)


FOREIGN: dict[str, dict[Any, Any]] = {
    "moment": {text: text for text in AS_STORED} | {1769851800000: 1769851800000, 1.5: 1.5},
    "local": {"": "", "yesterday": "yesterday", "2026-13-31 09:30:00.1": "2026-13-31 09:30:00.1"},
    "at": {"09:30": "09:30:00", "09:30:00.250": "09:30:00.250000", "late": "late", 5: 5},
    "took": {"1970-01-02 00:00:00": "P1D", "1970-01-01 00:00:01.500": "PT1.5S", "long": "long"},
    "day": {"2026-01-31 00:00:00": "2026-01-31 00:00:00", "20260131": 20260131},
    "flag": {"true": True, "FALSE": False, "t": True, "f": False, 2: True, 0.0: False, "maybe": "maybe", "": ""},
    "integer": {"12": 12, "twelve": "twelve", 1.5: 1.5, 2**62: 2**62},
    "price": {"12.5": "12.50", "cheap": "cheap", 1.005: "1.00", 10**17: "100000000000000000.00", "": ""},
    "tiny": {1e-10: "1E-10", 0: "0E-10"},
    "ratio": {"1.5": 1.5, "high": "high", 3: 3.0, "": ""},
    "ticket": {
        "0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11": "0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11",
        "0B5E6F620D3B4F6C9D3E3F6F0A8C1F11": "0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11",
        "not a ticket": "not a ticket",
    },
    "color": {"RED": "red", "GREEN": "GREEN", "red": "red"},
    "odd": {"NUMBER": 1.5, "SOMETHING": "SOMETHING"},
    "raw": {"text": "text", b"bytes": "bytes"},
    "text": {7: "7", "nul \0 inside": "nul \0 inside"},
}
"""Column → value as it is stored, value as it is shown."""


@pytest.mark.parametrize("column", FOREIGN)
def test_other_types_on_sqlite(sqlite: Service, column: str) -> None:
    """What can be read is; a value that is not of its column's type is written as it is stored, never as another."""
    shown = stored(sqlite, column, *FOREIGN[column])
    assert json.dumps(shown) == json.dumps(list(FOREIGN[column].values()))  # 1 and true are equal in Python


def test_json_on_sqlite(sqlite: Service) -> None:
    """JSON that Python wrote with NaN is JSON with null; what is no JSON is text; a number keeps its digits."""
    given = {
        '{"a": [NaN, Infinity, 1]}': {"a": [None, None, 1]},
        "NaN": None,
        "{broken": "{broken",
        "": "",
        "[" * 3000: "[" * 3000,
        '{"a": NaN, "b": "\\ud800"}': '{"a": NaN, "b": "\\ud800"}',
        0.1 + 0.2: 0.1 + 0.2,
        5: 5,
        b'{"a": 1}': {"a": 1},
        ' {"a" : [1 , 2]} ': {"a": [1, 2]},
    }
    assert stored(sqlite, "anything", *given, model=Document) == list(given.values())
    assert b"NaN" not in sqlite.get("/documents?fields=anything").replace(b'\\"a\\": NaN', b"")


@pytest.mark.parametrize("column", ["raw", "integer", "text", "moment", "price", "ticket"])
def test_bytes_on_sqlite(sqlite: Service, column: str) -> None:
    """Bytes where JSON has no form for them are a problem, and not half an answer."""
    with pytest.raises(Broken, match="stores a value that cannot be written"):
        stored(sqlite, column, b"\xff" * 16)


def test_text_that_is_not_utf_8(sqlite: Service) -> None:
    """Text in another encoding is a problem, and does not reach a client."""
    sqlite.sql("DELETE FROM sample", "INSERT INTO sample (id, text) VALUES (1, CAST(X'ff41' AS TEXT))")
    with pytest.raises(Broken):
        sqlite.get("/samples")


class Page(BaseModel):
    """Needs Python, and a moment."""

    moment: Any

    @computed_field  # type: ignore[prop-decorator]
    @property
    def year(self) -> int:
        return int(self.moment.year)


def test_what_python_reads(sqlite: Service) -> None:
    """Where Python writes, it reads other spellings too; what is no such value is a problem there."""
    sqlite.sql("DELETE FROM sample", "INSERT INTO sample (id, moment) VALUES (1, '2026-01-31T09:30:00.5+02:00')")
    with serving(sqlite.backend, Resource(Sample, read=Page), metadata=[]) as service:
        assert service.get("/samples") == b'[{"moment":"2026-01-31T07:30:00.500000Z","year":2026}]'
        service.sql("UPDATE sample SET moment = 'yesterday'")
        with pytest.raises(Broken, match="A stored Sample does not fit its own schema"):
            service.get("/samples")


POSTGRESQL = {
    "day": {
        "infinity": "9999-12-31",
        "-infinity": "0001-01-01",
        "0044-03-15 BC": "0044-03-15 BC",
        "12345-01-01": "12345-01-01",
    },
    "moment": {
        "infinity": "9999-12-31T23:59:59.999999Z",
        "-infinity": "0001-01-01T00:00:00Z",
        "0044-03-15 12:00:00+00 BC": "0044-03-15T12:00:00.000000Z BC",
        "12345-01-01 00:00:00+00": "12345-01-01T00:00:00Z",
        "2026-01-31 09:30:00+05:30": "2026-01-31T04:00:00Z",
    },
    "local": {
        "infinity": "9999-12-31T23:59:59.999999",
        "-infinity": "0001-01-01T00:00:00",
        "0044-03-15 12:00:00 BC": "0044-03-15T12:00:00.000000 BC",
    },
    "at": {"24:00:00": "24:00:00"},
    "took": {
        "1 year": "P1Y",
        "14 months": "P1Y60D",
        "-1 month": "-P30D",
        "1 day -1 hour": "PT23H",
        "400000 years": "P400000Y",
    },
    "price": {"NaN": "NaN"},
    "ratio": {"NaN": None, "Infinity": None, "-0.0": -0.0},
}


@pytest.mark.parametrize("column", POSTGRESQL)
def test_values_that_only_postgresql_has(postgresql: Service, column: str) -> None:
    """Infinities are written as asyncpg reads them; what Python cannot hold, as PostgreSQL writes it."""
    table: sa.Table = Sample.__table__  # type: ignore[attr-defined]
    postgresql.sql(table.delete())
    for number, text in enumerate(POSTGRESQL[column]):
        value = sa.cast(sa.literal_column(f"'{text}'"), table.c[column].type)
        postgresql.sql(table.insert().values({"id": number, column: value}))
    found = [row[column] for row in json.loads(postgresql.whole(Sample, f"&fields={column}"))]
    assert found == list(POSTGRESQL[column].values())


def test_arrays_of_any_form(postgresql: Service) -> None:
    """Arrays in an array of which the column's type says nothing are still arrays, and lower bounds do not count."""
    values = "'{{1.5,2},{3,4}}', '[5:6]={1,2}', '{{2026-01-01 00:00:00+00}}'"
    postgresql.sql("DELETE FROM special", f"INSERT INTO special (id, prices, numbers, moments) VALUES (1, {values})")
    found = json.loads(postgresql.get("/specials/1"))
    assert found["prices"] == [["1.50", "2.00"], ["3.00", "4.00"]]
    assert found["numbers"] == [1, 2]
    assert found["moments"] == [["2026-01-01 00:00:00+00"]]


@pytest.mark.parametrize(
    ("service", "unwritable"), [("sqlite", "CAST(X'ff' AS BLOB)"), ("postgresql", "'\\xff'::bytea")]
)
def test_rows_that_are_skipped_are_not_written(service: str, unwritable: str, request: pytest.FixtureRequest) -> None:
    """A row that cannot be written spoils its own page, and not those behind it, whatever they are sorted by."""
    serving: Service = request.getfixturevalue(service)
    rows = f"(1, 'c', NULL), (2, 'b', NULL), (3, 'a', {unwritable})"
    serving.sql("DELETE FROM sample", f"INSERT INTO sample (id, text, raw) VALUES {rows}")
    page = "/samples?sort=text&fields=id,raw&limit=1&offset="
    assert serving.get(f"{page}1") == b'[{"id":2,"raw":null}]'
    with pytest.raises(Broken):
        serving.get(f"{page}0")


def test_addresses(postgresql: Service) -> None:
    """An address is written with its netmask if it has one."""
    postgresql.sql("DELETE FROM special", "INSERT INTO special (id, host) VALUES (1, '10.0.0.1/8'), (2, '::1')")
    assert [row["host"] for row in json.loads(postgresql.get("/specials"))] == ["10.0.0.1/8", "::1"]


@pytest.mark.parametrize("value", ["\\xff", "\\x610062"])
def test_bytes_that_are_no_text(postgresql: Service, value: str) -> None:
    """Bytes that are not UTF-8, or hold NUL, are a problem."""
    postgresql.sql("DELETE FROM sample", f"INSERT INTO sample (id, raw) VALUES (1, '{value}'::bytea)")
    with pytest.raises(Broken, match="stores a value that cannot be written"):
        postgresql.get("/samples")


SETTINGS = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kolkata",
    "bytea_output": "escape",
}


def test_settings_of_a_session_do_not_count(server: Server) -> None:
    """However a database is set to write values, answers are the same."""
    with postgresql_backend(server) as backend, serving(backend, Sample, Special, metadata=TABLES) as service:
        for model, columns in ((Sample, values.EXACT), (Special, values.SPECIAL)):
            rows = ({name: always[-1]} for name, (always, _) in columns.items() if always)
            service.store(*(model(id=number, **row) for number, row in enumerate(rows)))
        before = [service.whole(Sample), service.whole(Special)]
        for setting, value in SETTINGS.items():
            server.sql(f"ALTER DATABASE {sa.make_url(backend.url).database} SET {setting} = '{value}'")
        changed = Service(backend, API(Sample, Special, database=backend.url), service.runner)
        try:
            assert [changed.whole(Sample), changed.whole(Special)] == before
        finally:
            service.runner.run(changed.api.database.close())
