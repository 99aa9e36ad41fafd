"""Parameters as OpenAPI describes them: what a schema admits is accepted, and what it does not is refused."""

import re
from functools import cache
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onetrip.errors import Invalid
from onetrip.http.parameters import MAX_NAMES, describe
from onetrip.http.routes import RouteTable
from onetrip.plan.read import Endpoint, plan_read
from onetrip.query.parser import parse
from onetrip.query.split import split
from onetrip.schema.model import Schema
from onetrip.settings import Limits
from tests.http import world
from tests.http.conftest import Served

_settings = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def schema() -> Schema:
    return world.api("sqlite:///nowhere.db").schema


@cache
def endpoints() -> dict[str, Endpoint]:
    return {route.template: route.endpoint for route in RouteTable(schema()).routes()}


def pattern(template: str, parameter: str, limits: Limits | None = None) -> re.Pattern[str]:
    """The pattern of one item of a list."""
    found = {item["name"]: item for item in describe(endpoints()[template], schema(), limits or Limits())}
    return re.compile(found[parameter]["schema"]["items"]["pattern"])


def accepted(template: str, query: str, limits: Limits | None = None) -> bool:
    try:
        plan_read(parse(split(query.encode())[0]), endpoints()[template], schema(), limits or Limits())
    except Invalid:
        return False
    return True


_WORDS = st.sampled_from(
    ["id", "title", "author", "comments", "posts", "post", "username", "internal_note", "nothing", ""]
)


@_settings
@given(
    st.lists(_WORDS, min_size=1, max_size=6).map(".".join), st.sampled_from(["fields", "include"]), st.integers(0, 3)
)
def test_a_path_is_described_as_it_is_judged(path: str, parameter: str, depth: int) -> None:
    """The pattern of a path admits what the planner admits, to the depth that is configured, and nothing else."""
    limits = Limits(depth=depth)
    if parameter == "include" and depth == 0:
        assert not accepted("/posts", f"include={path}", limits)
    else:
        admitted = pattern("/posts", parameter, limits).fullmatch(path) is not None
        assert admitted is accepted("/posts", f"{parameter}={path}", limits)


@_settings
@given(
    st.text(":-", max_size=2), _WORDS, st.sampled_from(["", ":", ":nullsfirst", ":nullslast", ":first", ":nullsfirst:"])
)
def test_a_sort_key_is_described_as_it_is_judged(sign: str, name: str, placement: str) -> None:
    """The pattern of a sort key admits what the planner admits."""
    key = f"{sign}{name}{placement}"
    assert (pattern("/posts", "sort").fullmatch(key) is not None) is accepted("/posts", f"sort={key}")


def test_a_pattern_has_an_end() -> None:
    """Where too many paths lead on, the pattern spells out fewer of them; more are accepted."""
    for template in endpoints():
        for parameter in describe(endpoints()[template], schema(), Limits(depth=8)):
            text = parameter["schema"].get("items", {}).get("pattern", "")
            names = re.findall(r"[A-Za-z_]+", text)
            assert len(names) <= max(MAX_NAMES, len(endpoints()[template].target.fields) + 10), template


GRAMMARS = ("or", "and", "not", "after", "before")
"""What is in parentheses, or comes from another answer, no schema can say."""


def _values(described: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts that a schema admits."""
    if "enum" in described:
        return st.sampled_from(described["enum"]).map(str)
    if described.get("type") == "array":
        least, most = described.get("minItems", 0), min(described.get("maxItems", 4), 4)
        unique = described.get("uniqueItems", False)
        return st.lists(_values(described["items"]), min_size=least, max_size=most, unique=unique).map(",".join)
    named = {
        "date": st.dates().map(str),
        "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        "local-date-time": st.datetimes().map(lambda moment: moment.isoformat()),
        "duration": st.integers(0, 10**6).map(lambda days: f"P{days}D"),
        "uuid": st.uuids().map(str),
    }
    if described.get("format") in named:
        return named[described["format"]]
    if "pattern" in described:
        return st.from_regex(described["pattern"], fullmatch=True, alphabet=st.characters(codec="utf-8"))
    simple: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(described.get("minimum"), described.get("maximum")),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.sampled_from(["true", "false"]),
    }
    return simple[described["type"]].map(str)


@st.composite
def _requests(draw: st.DrawFn) -> str:
    """A request that a client makes of the document alone."""
    template, endpoint = draw(
        st.sampled_from(sorted(item for item in endpoints().items() if ":aggregate" not in item[0]))
    )
    parts: list[str] = []
    described = describe(endpoint, schema(), Limits())
    for parameter in (each for each in described if each["in"] == "path"):
        value = draw(_values(parameter["schema"]).filter(bool))
        template = template.replace("{" + parameter["name"] + "}", quote(value, safe=""))
    others = [each for each in described if each["in"] == "query" and each["name"] not in GRAMMARS]
    chosen = st.lists(st.sampled_from(others), max_size=5, unique_by=lambda each: each["name"])  # type: ignore[no-any-return]
    for parameter in draw(chosen) if others else []:
        value = draw(_values(parameter["schema"]).filter(lambda text: "(" not in text))
        parts.append(f"{quote(parameter['name'])}={quote(value, safe=',')}")
    return f"{template}?{'&'.join(parts)}"


@_settings
@given(_requests())
def test_what_is_described_is_accepted(on_sqlite: Served, target: str) -> None:
    """A request made from the document finds rows or none; it is refused only where it asks for too many embeds."""
    answer = on_sqlite.client.get(target)
    if answer.status == 422:
        assert {error["type"] for error in answer.json()["errors"]} <= {"too_many", "out_of_range"}, answer.body
    else:
        assert answer.status in (200, 404), answer.body
