"""Arrays that are long enough to be written some rows at a time: what is stored and answered, and what it costs.

On PostgreSQL an array is one statement whatever its length; the same is expected of both databases.
"""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from onetrip.db import sqlite_writer
from tests.http.conftest import Written
from tests.support.counting import count_statements

LENGTH = 55  # two times as many rows as SQLite is given at once, and fifteen


def _sample(number: int) -> dict[str, Any]:
    """A row with values of every type; some rows leave to the database what others set."""
    row = {
        "whole": 2**30 - number, "small": -number, "big": 2**63 - 1 - number, "code": f"{number:03}",
        "text": f"naïve 🙂 \\ \" ' {number}\n", "price": f"{number}.10", "ratio": 0.1 * number, "flag": number % 2 == 0,
        "day": "2026-02-28", "moment": f"2026-02-28T12:00:{number:02}.000001Z", "local": "2026-02-28T12:00:00",
        "kind": "fancy", "document": {"n": [number, None, 1.5, "x"]},
        "ticket": f"00000000-0000-0000-0000-{number:012}",
    }  # fmt: skip
    if number % 7 == 0:
        row |= {"level": number}
    if number % 5 == 0:
        row |= dict.fromkeys(("whole", "text", "price", "document", "moment"))
    return row


SENT = [_sample(number) for number in range(LENGTH)]


def _kept(written: Written, first: int) -> list[tuple[Any, ...]]:
    """What is stored of the samples from a key on, and, in SQLite, as which type."""
    columns = [name for name in written.contents.read()["sample"][0] if name != "id"]
    shown = [f"typeof({name})" for name in columns] if written.backend.name == "sqlite" else []
    query = f"SELECT {', '.join([*columns, *shown])} FROM sample WHERE id >= {first} ORDER BY id"
    with written.contents.engine.connect() as connection:
        return [
            tuple(json.dumps(value) if isinstance(value, dict) else value for value in row)
            for row in connection.execute(sa.text(query))
        ]


def test_an_array_stores_and_answers_what_single_rows_do(written: Written) -> None:
    """Row by row and type by type, in the order in which they were sent."""
    single = [written.client.send("POST", "/samples", row).json() for row in SENT]
    answer = written.client.send("POST", "/samples", SENT)
    assert answer.status == 201
    many = answer.json()
    first = many[0]["id"]
    assert [row | {"id": 0} for row in many] == [row | {"id": 0} for row in single]
    kept = _kept(written, first)
    assert sorted(kept, key=repr) == sorted(_kept(written, single[0]["id"])[:LENGTH], key=repr)


def test_the_number_of_statements(written: Written) -> None:
    bodies = [{"title": f"page {number}"} for number in range(LENGTH)]
    with count_statements(written.backend, written.api) as statements:
        answer = written.client.send("POST", "/pages?fields=title,version", bodies)
    assert answer.json() == [{"title": f"page {number}", "version": 1} for number in range(LENGTH)]
    assert len(statements) == (1 if written.backend.name == "postgresql" else 2 + 2 + 15), statements


def test_python_writes_the_rows_of_a_long_array(written: Written) -> None:
    bodies = [{"givenName": f"Ada {number}"} for number in range(LENGTH)]
    assert written.client.send("POST", "/badges?fields=whole", bodies).json() == [
        {"whole": body["givenName"]} for body in bodies
    ]


def test_a_long_array_is_created_whole_or_not_at_all(written: Written) -> None:
    """The error names the row, wherever among others it was written."""
    before = written.contents.read()
    for wrong in (0, 7, 25, LENGTH - 1):
        bodies = [{"email": f"{number}@example.com", "name": "New"} for number in range(LENGTH)]
        bodies[wrong]["email"] = "ada@example.com"
        answer = written.client.send("POST", "/authors", bodies)
        assert answer.status == 409
        assert answer.json()["errors"][0]["loc"] == ["body", wrong, "email"]
    assert written.contents.read() == before


@pytest.mark.parametrize("numbered", ["in order", "at random"])
def test_rows_keep_their_order_whatever_the_database_does(
    written_on_sqlite: Written, monkeypatch: pytest.MonkeyPatch, numbered: str
) -> None:
    """SQLite promises no order of what an INSERT answers, and numbers at random where the last number is taken."""
    written_on_sqlite.contents.reset()
    if numbered == "at random":
        with written_on_sqlite.contents.engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO ledger (id, amount, version) VALUES (9223372036854775807, 0, 1)"))

    def backwards(*arguments: Any) -> Any:
        found = original(*arguments)
        return found and found[::-1]

    original = sqlite_writer._row
    monkeypatch.setattr(sqlite_writer, "_row", backwards)
    answer = written_on_sqlite.client.send("POST", "/ledgers", [{"amount": number} for number in range(LENGTH)])
    assert answer.status == 201
    assert [row["amount"] for row in answer.json()] == list(range(LENGTH))
    numbers = [row["id"] for row in answer.json()]
    assert (numbers == sorted(numbers)) == (numbered == "in order")
