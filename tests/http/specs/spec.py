"""One HTTP spec, and how an answer is held against it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.http.client import Answer

Check = Callable[[Any], bool]

_PROBLEM = {"type", "title", "status", "detail", "errors", "hint", "request_id"}
_TITLES = {
    400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 409: "Conflict",
    412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    422: "Unprocessable Content", 428: "Precondition Required",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A request, and what is expected of its answer.

    `body` is the JSON that is equal, or a function of it that is true. In `headers` a `None` says that the header is
    not there. `absent` are texts that stand nowhere in the answer. `statements` reach the database.
    """

    name: str
    path: str
    method: str = "GET"
    send: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    body: Any | Check = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    statements: int = 1

    def verify(self, answer: Answer) -> None:
        """Hold an answer against this spec."""
        assert answer.status == self.status, answer.body.decode()
        shown = without_cursors(answer.headers)
        for name, value in self.headers.items():
            assert shown.get(name) == value, f"{name}: {shown.get(name)!r}"
        whole = answer.body.decode() + "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        assert [text for text in self.absent if text in whole] == []
        if callable(self.body):
            assert self.body(answer.json()), answer.body.decode()[:2000]
        elif self.body is not None:
            assert answer.json() == self.body
        if self.status >= 400:
            verify_problem(answer)
        elif self.status == 200 and self.method == "GET":
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["content-length"] == str(len(answer.body))


def without_cursors(headers: Mapping[str, str]) -> dict[str, str]:
    """Answer headers with a sign for each cursor: it depends on the database, and on how values are stored there."""
    return {name: re.sub(r"\b(after|before)=[\w-]{20,}", r"\1=…", value) for name, value in headers.items()}


def verify_problem(answer: Answer) -> None:
    """Hold an answer against RFC 9457 and our own promises about its members."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-length"] == str(len(answer.body))
    problem = answer.json()
    assert set(problem) <= _PROBLEM
    assert problem["status"] == answer.status and problem["title"] == _TITLES[answer.status]
    assert problem["type"].startswith("urn:onetrip:problem:")
    assert problem["detail"] and problem["request_id"]
    assert problem.get("hint") != ""
    for error in problem.get("errors", []):
        assert set(error) == {"loc", "msg", "type"} and error["loc"][0] in ("query", "path", "body") and error["msg"]
    assert ("errors" in problem) == (answer.status in (409, 422))
    if answer.status == 422:
        assert problem["detail"].startswith(problem["errors"][0]["msg"])


def rows(*keys: Any, key: str = "id") -> Check:
    """A list of exactly these rows, in this order, by their key."""
    return lambda body: [row[key] for row in body] == list(keys)


def refused(
    name: str,
    path: str,
    *,
    loc: str | tuple[str, ...] = (),
    type: str | None = None,
    hint: str | None = None,
    says: str = "",
    status: int = 422,
    **more: Any,
) -> Spec:
    """A spec of a request that is refused without asking the database.

    `loc` are the last parts of the location of each error, `hint` is the whole hint, `says` is a part of the detail.
    """
    locations = (loc,) if isinstance(loc, str) else loc

    def check(problem: Any) -> bool:
        errors = problem.get("errors", [])
        return (
            says in problem["detail"]
            and (not locations or [str(error["loc"][-1]) for error in errors] == list(locations))
            and (type is None or {error["type"] for error in errors} == {type})
            and (hint is None or problem.get("hint") == hint)
        )

    return Spec(name=name, path=path, status=status, body=check, statements=0, **more)


def missing(name: str, path: str, statements: int = 1, **more: Any) -> Spec:
    """A spec of a row that does not exist."""
    return Spec(name=name, path=path, status=404, statements=statements, **more)
