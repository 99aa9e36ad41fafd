"""The check that comes first: a comparison means nothing unless every contestant gives the same answers."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from benchmarks.contestants.registry import Contestant
from benchmarks.servers import Server

SAMPLE = 40  # answers compared of an endpoint with many paths

Reference = dict[tuple[str, int], tuple[str, Any]]  # endpoint, number of the path -> who answered first, and what


class Disagreement(Exception):
    """Two contestants gave different answers to the same request."""


def check(contestant: Contestant, server: Server, reference: Reference) -> None:
    """Compare the answers with those seen before, key order included. Raises Disagreement with the differences."""
    for endpoint, paths in contestant.paths.items():
        for number, path in enumerate(paths[:SAMPLE]):
            answer = json.loads(server.get(path))
            first, expected = reference.setdefault((endpoint, number), (contestant.name, answer))
            found = list(islice(differences(expected, answer), 10))
            if found:
                lines = "\n  ".join(found)
                raise Disagreement(f"{contestant.name} and {first} differ in GET {path} ({endpoint}):\n  {lines}")


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
