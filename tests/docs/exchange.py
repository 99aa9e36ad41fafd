"""An HTTP request and its answer, as pages show them, and whether a real answer is that one.

    GET /posts/1?fields=id
    Accept: application/json

    HTTP/1.1 200 OK
    ETag: W/"…"

    {"id": 1}

A body stands between two empty lines, and is JSON unless a header says otherwise. Headers that are not shown are not
compared. JSON is compared as values with the order of its keys, whatever the line breaks. `…` stands for any text.

In a table, a row is a request and its answer, in its last two cells. Headers stand beside what they belong to, a
problem is its status, the type of its first error, and what it says, and `after=…` is a cursor of the answer above:

    | request | answer |
    |---|---|
    | `/posts?fields=id` `Accept: application/x-ndjson` | `{"id": 1}` |
    | `/posts?auther_id=7` | `422 unknown_parameter` 'auther_id' is not a parameter of 'posts'. Did you mean … |
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

_SPAN = re.compile(r"`([^`]+)`")
_HEADER = re.compile(r"[A-Z][\w-]+: ")
_PROBLEM = re.compile(r"`(?P<status>[45]\d\d) (?P<type>[\w-]+)` (?P<says>.+)")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back, or what a page says does."""

    status: str
    headers: dict[str, str]
    body: str


def read(text: str) -> tuple[Request, Answer]:
    """Read a block."""
    asked, _, answered = text.partition("\n\nHTTP/1.1 ")
    asked, _, content = asked.partition("\n\n")
    first, *sent = asked.splitlines()
    method, target = first.split(" ", 1)
    headers = ({"content-type": "application/json"} if content else {}) | _headers(sent)
    head, _, body = answered.partition("\n\n")
    status, *received = head.splitlines()
    return Request(method, target, headers, content), Answer(status, _headers(received), body)


def read_row(line: str) -> tuple[Request, Answer]:
    """Read a row of a table."""
    *_, asked, answered = line.strip().strip("|").split(" | ")
    target, *sent = _SPAN.findall(asked)
    request = Request("GET", target, _headers(sent))
    if found := _PROBLEM.fullmatch(answered.strip()):
        return request, Answer(f"{found['status']} …", {}, f"{found['type']} {found['says']}")
    shown = _SPAN.findall(answered)
    assert shown, f"no answer is shown: {line}"
    headers = [span for span in shown if _HEADER.match(span)]
    return request, Answer("200 OK", _headers(headers), "".join(span for span in shown if span not in headers))


def in_a_row(real: Answer) -> Answer:
    """Write an answer as rows show it."""
    if real.status.startswith("2"):
        return real
    problem = json.loads(real.body)
    first = problem.get("errors", [{"type": problem["type"].rpartition(":")[2]}])[0]["type"]
    return Answer(real.status, real.headers, " ".join(filter(None, (first, problem["detail"], problem.get("hint")))))


def behind(request: Request, above: Answer) -> Request:
    """Put the cursor of an answer into a request."""
    place = re.search(r"\b(after|before)=…", request.target)
    if place is None:
        return request
    found = re.search(rf"\b{place[1]}=([\w-]+)", above.headers["link"])
    assert found is not None, above.headers["link"]
    return replace(request, target=request.target.replace(place[0], found[0]))


def differences(shown: Answer, real: Answer) -> list[str]:
    """Say in which ways a real answer is not the one that is shown."""
    found = []
    if not _is(shown.status, real.status):
        found.append(f"status: {shown.status!r} is shown, {real.status!r} it is")
    for name, value in shown.headers.items():
        if not _is(value, real.headers.get(name, "")):
            found.append(f"{name}: {value!r} is shown, {real.headers.get(name)!r} it is")
    if shown.body and not _is(_value(shown.body), _value(real.body)):
        found.append(f"body: shown is\n{shown.body.strip()}\nit is\n{real.body}")
    return found


def _headers(lines: list[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def _value(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: [list(pair) for pair in pairs])
    except ValueError:
        return text.strip().replace("\r\n", "\n")


def _is(shown: Any, real: Any) -> bool:
    if isinstance(shown, str) and isinstance(real, str):
        return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), real, re.DOTALL) is not None
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(_is, shown, real))
    return type(shown) is type(real) and bool(shown == real)
