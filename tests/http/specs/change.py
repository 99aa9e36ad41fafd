"""One spec of a write: a request with a body, what is expected of its answer, and what is stored afterwards."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.http.client import Answer, Client
from tests.http.specs.spec import Check, verify_problem
from tests.http.writing import SECRET, Stored

NOTHING = object()
"""The body of a request that has none, and no `Content-Type`."""

_LEAKS = (SECRET, "INSERT", "UPDATE ", "RETURNING", "author_email_key", "author_is_somebody", "pydantic", "asyncpg",
          "sqlite", "Traceback", "CHECK", "constraint")  # fmt: skip
"""What stands in no answer: secrets, SQL, names that only the database has, and of what all this is made."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A write. `sent` is its body: bytes as they are, anything else as JSON; `send` are its headers.

    `body` is the JSON of the answer, or a function of it that is true. `after` is true of what is stored afterwards;
    without it, and whenever the answer is no 2xx, everything is as it was. `statements` reach PostgreSQL, `on_sqlite`
    SQLite, where that differs.
    """

    name: str
    method: str
    path: str
    sent: Any = NOTHING
    send: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    body: Any | Check = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    after: Callable[[Stored], bool] | None = None
    statements: int = 1
    on_sqlite: int | None = None

    def request(self, client: Client, prefix: str = "") -> Answer:
        """Send it, to where the resources are."""
        if self.sent is NOTHING:
            return client.request(self.method, prefix + self.path, self.send)
        raw = self.sent if isinstance(self.sent, bytes) else json.dumps(self.sent).encode()
        return client.request(self.method, prefix + self.path, {"content-type": "application/json", **self.send}, raw)

    def verify(self, answer: Answer) -> None:
        """Hold an answer against this spec."""
        assert answer.status == self.status, answer.body.decode()
        for name, value in self.headers.items():
            assert answer.headers.get(name) == value, f"{name}: {answer.headers.get(name)!r}"
        whole = answer.body.decode() + "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        assert [text for text in (*self.absent, *_LEAKS) if text in whole] == []
        if callable(self.body):
            assert self.body(answer.json()), answer.body.decode()[:2000]
        elif self.body is not None:
            assert answer.json() == self.body
        if self.status >= 400:
            verify_problem(answer)
        elif self.status == 204:
            assert answer.body == b"" and "content-length" not in answer.headers
        else:
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["content-length"] == str(len(answer.body))
        if self.status != 201:
            assert "location" not in answer.headers

    def verify_stored(self, before: Stored, after: Stored) -> None:
        """Hold what is stored against this spec."""
        if self.status >= 400 or self.after is None:
            assert after == before
        else:
            assert self.after(after), after
            assert after != before


def refused(
    name: str, method: str, path: str, sent: Any = NOTHING, *, loc: Any = None, type: str | None = None,
    says: str = "", hint: str | None = None, status: int = 422, statements: int = 0, **more: Any,
) -> Change:  # fmt: skip
    """A spec of a write that is refused, by default without asking the database.

    `loc` is the location of each error after `body`, a tuple for one and a list for several; a lone key may stand for
    itself. `hint` and `says` are parts of the hint and the detail.
    """
    places = loc if isinstance(loc, list) else [] if loc is None else [loc]
    wanted = [place if isinstance(place, tuple) else (place,) for place in places]

    def check(problem: Any) -> bool:
        errors = problem.get("errors", [])
        return (
            says in problem["detail"]
            and (loc is None or [tuple(error["loc"][1:]) for error in errors] == wanted)
            and (type is None or {error["type"] for error in errors} == {type})
            and (hint is None or hint in problem.get("hint", ""))
        )

    return Change(
        name=name, method=method, path=path, sent=sent, status=status, body=check, statements=statements, **more
    )


def row(table: str, **key: Any) -> Callable[[Stored], Mapping[str, Any]]:
    """Find a stored row by its key."""

    def find(stored: Stored) -> Mapping[str, Any]:
        found = [each for each in stored[table] if all(each[name] == value for name, value in key.items())]
        return found[0] if found else {}

    return find


def has(table: str, key: Mapping[str, Any], **values: Any) -> Callable[[Stored], bool]:
    """Say that a row is stored with these values."""
    find = row(table, **key)

    def check(stored: Stored) -> bool:
        found = find(stored)
        return bool(found) and all(found[name] == value for name, value in values.items())

    return check


def gone(table: str, **key: Any) -> Callable[[Stored], bool]:
    """Say that there is no such row."""
    return lambda stored: not row(table, **key)(stored)
