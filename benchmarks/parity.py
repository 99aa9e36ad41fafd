"""The check that comes first: a comparison means nothing unless every contestant gives the same answers."""

import json
import re
from collections.abc import Container, Iterator
from itertools import islice
from typing import Any

from benchmarks.contestants.registry import Contestant
from benchmarks.load import NUMBER, Request
from benchmarks.servers import Server

SAMPLE = 40  # answers compared of an endpoint with many requests
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")

Reference = dict[tuple[str, int], tuple[str, Any]]  # endpoint, number of the request -> who answered first, and what


class Disagreement(Exception):
    """Two contestants gave different answers to the same request."""


def check(contestant: Contestant, server: Server, endpoints: Container[str], reference: Reference) -> None:
    """Compare the answers with those seen before, key order included. Raises Disagreement with the differences."""
    for endpoint in (endpoint for endpoint in contestant.requests if endpoint in endpoints):
        for number, request in enumerate(contestant.requests[endpoint][:SAMPLE]):
            answer = ask(contestant, server, request)
            first, expected = reference.setdefault((endpoint, number), (contestant.name, answer))
            found = list(islice(differences(expected, answer), 10))
            if found:
                lines = "\n  ".join(found)
                raise Disagreement(
                    f"{contestant.name} and {first} differ in {request.method} {request.path} ({endpoint}):\n  {lines}"
                )


def ask(contestant: Contestant, server: Server, request: Request) -> Any:
    """Return an answer; of a write, check that it is what is stored, and leave out what is new each time."""
    answer = json.loads(server.ask(request._replace(body=request.body.replace(NUMBER, "once"))))
    if request.method == "GET":
        return answer
    rows = answer if isinstance(answer, list) else [answer]
    for row in (rows[0], rows[-1]):
        found = list(islice(differences(json.loads(server.get(f"/posts/{row['id']}")), row), 10))
        if found:
            lines = "\n  ".join(found)
            raise Disagreement(f"{contestant.name} answers {request.method} with what it does not store:\n  {lines}")
    return [blurred(row) for row in rows] if request.method == "POST" else answer


def blurred(row: dict[str, Any]) -> dict[str, Any]:
    """Say of a key and a moment only that they are there, and well-formed."""
    moment = "a moment" if MOMENT.fullmatch(row["created_at"]) else row["created_at"]
    return row | {"id": type(row["id"]).__name__, "created_at": moment}


def differences(expected: Any, found: Any, at: str = "$") -> Iterator[str]:
    """Yield where two JSON values differ in type, value, length, keys or key order."""
    if type(expected) is not type(found):
        yield f"{at}: {expected!r} is not {found!r}"
    elif isinstance(expected, dict):
        if list(expected) != list(found):
            yield f"{at}: keys {list(expected)} are not {list(found)}"
        for key in expected.keys() & found.keys():
            yield from differences(expected[key], found[key], f"{at}.{key}")
    elif isinstance(expected, list):
        if len(expected) != len(found):
            yield f"{at}: {len(expected)} items are not {len(found)}"
        for number, (left, right) in enumerate(zip(expected, found, strict=False)):
            yield from differences(left, right, f"{at}[{number}]")
    elif expected != found:
        yield f"{at}: {expected!r} is not {found!r}"
