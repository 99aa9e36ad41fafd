"""Whatever a query says, it can be written, and is read as it was.

At length: `ONETRIP_QUERIES=20000 pytest tests/query/test_round_trip.py`.
"""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onetrip.query.ast import (
    And,
    Compare,
    Condition,
    Constant,
    Embed,
    Not,
    Or,
    Query,
    Slot,
    Some,
    SortKey,
    Upsert,
)
from onetrip.query.parser import parse
from onetrip.query.split import LISTS, OF_CREATION, OF_LISTS, PARAMETERS, split
from onetrip.query.tree import FLAGS, STRUCTURAL
from tests.query.render import filled, render, written

QUERIES = int(os.environ.get("ONETRIP_QUERIES", "200"))

OPERATORS = (
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "between", "is_null", "contains", "icontains", "startswith",
    "istartswith", "endswith", "iendswith", "like", "ilike", "overlaps", "exists", "nonsense", "",
)  # fmt: skip
WORDS = [
    "id", "title", "author", "comments", "settings", "theme", "0", "limit", "sort", "or", "not", "count", "q", "_link",
    "givenName", "ä", "日本", "a b", "a+b", "50%", "x&y", "#", "c's", "[0]", "a/b", "\\", ";",
]  # fmt: skip

_letters = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5)
_name = st.sampled_from(WORDS) | _letters.filter(lambda name: name == name.strip())
_path = st.lists(_name, min_size=1, max_size=4).map(tuple)
_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_value = _text | st.text('ab,()"=.:& %+-', max_size=12) | st.sampled_from(["", "3", "(a=1)", '""', "a,b", " x ", "="])
_Put = Callable[[str], Slot]


def _is_value(parameter: str) -> bool:
    """Say whether what stands behind a parameter is a value, and no part of the shape."""
    return parameter not in PARAMETERS and not parameter.endswith(FLAGS)


@st.composite
def compares(draw: st.DrawFn, put: _Put, within: tuple[str, ...]) -> Compare:
    """A comparison with any operator, also one that is no operator."""
    path, operator = draw(_path), draw(st.sampled_from(OPERATORS))
    parameter = f"{'.'.join(path)}__{operator}"
    bare = ".".join(path)
    if operator == "eq" and _is_value(bare) and draw(st.booleans()):
        parameter = bare
    if parameter.endswith(FLAGS):
        flag = st.sampled_from(["true", "false", "", "x y"]) | (st.nothing() if within else _text)
        return Compare(path, operator, (Constant(draw(flag)),), parameter, within)
    several = parameter.endswith(LISTS) or (within and parameter.endswith(OF_LISTS))
    texts = draw(st.lists(_value, min_size=1, max_size=5 if several else 1))
    if not within and not several:
        texts = [f"x{text}" if text.startswith("(") and text.endswith(")") else text for text in texts]
    return Compare(path, operator, tuple(map(put, texts)), parameter, within)


@st.composite
def conditions(draw: st.DrawFn, put: _Put, values: list[str], within: tuple[str, ...], depth: int) -> Condition:
    """A condition inside of the parentheses that are called `within`."""
    kind = draw(st.sampled_from(["compare"] * 3 + ["or", "and", "not", "some"] * (depth > 0)))
    if kind == "compare":
        return draw(compares(put, within))
    if kind == "some":
        names = _path.map(".".join).filter(_is_value)
        kind = draw(names)
    inner = conditions(put, values, (*within, kind), depth - 1)
    of = tuple(draw(st.lists(inner, min_size=1, max_size=3).filter(lambda of: kind != "not" or not _is_and(of))))
    if kind == "or":
        return Or(of)
    if kind == "and":
        return And(of)
    if kind == "not":
        return Not(of[0] if len(of) == 1 else And(of))
    some = Some(kind, And(of), within=within)
    return some if within else Some(kind, And(of), put(written(some, values).partition("=")[2]))


def _is_and(of: list[Condition]) -> bool:
    """Say whether `not=(and=(…))` would be written, which is written as `not=(…)`."""
    return len(of) == 1 and isinstance(of[0], And) and len(of[0].of) > 1


def _parameter(condition: Condition) -> str:
    """The name that a condition is written with."""
    if isinstance(condition, Compare | Some):
        return condition.parameter
    return type(condition).__name__.lower()


@st.composite
def queries(draw: st.DrawFn, put: _Put, values: list[str], within: tuple[str, ...] = (), depth: int = 3) -> Query:
    """Everything that can be asked, of a resource or of the rows of an embed."""
    slot = st.none() | st.none() | _value.map(put)
    limit = st.none() | st.none() | _value.map(Constant)
    paths = st.none() | st.lists(_path, min_size=1, max_size=3, unique=True).map(tuple)
    names = draw(st.lists(_name, max_size=2, unique=True)) if depth else []
    around = within or ("include",)
    return Query(
        where=tuple(draw(st.lists(conditions(put, values, within, depth), max_size=3, unique_by=_parameter))),
        sort=draw(st.none() | st.lists(sort_keys(), min_size=1, max_size=3, unique=True).map(tuple)),
        fields=draw(paths),
        count=draw(st.sampled_from([None, None, "none", "exact", "estimated"])),
        limit=draw(limit), offset=draw(slot), after=draw(slot), before=draw(slot), search=draw(slot),
        include=tuple(Embed(name, draw(embedded(put, values, (*around, name), depth - 1))) for name in names),
        upsert=None if within else draw(st.none() | upserts()),
    )  # fmt: skip


def embedded(put: _Put, values: list[str], within: tuple[str, ...], depth: int) -> st.SearchStrategy[Query]:
    return st.just(Query()) | queries(put, values, within, depth)


@st.composite
def sort_keys(draw: st.DrawFn) -> SortKey:
    return SortKey(draw(_path), draw(st.booleans()), draw(st.sampled_from([None, "first", "last"])))


def upserts() -> st.SearchStrategy[Upsert]:
    names: Any = st.lists(_name, min_size=1, max_size=3, unique=True).map(tuple)
    return st.builds(Upsert, names, st.none() | st.just(()) | names)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Query, list[str]]:
    """A query, and what its slots stand for."""
    values: list[str] = []

    def put(text: str) -> Slot:
        values.append(text)
        return Slot(len(values) - 1)

    return draw(queries(put, values)), values


@given(asked())
@settings(max_examples=QUERIES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_written_is_read(made: tuple[Query, list[str]]) -> None:
    """Every part of a query, and every value, comes back from its text."""
    query, values = made
    text = render(query, values)
    shape, texts = split(text.encode(), STRUCTURAL if query.upsert is None else OF_CREATION)
    assert filled(parse(shape), texts) == filled(query, values), text
