"""Conditions of every kind find, on both databases, the rows that plain Python finds.

At length: `ONETRIP_EXAMPLES=2000 pytest tests/http/test_filtering.py`.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from onetrip import Resource
from tests.http import filtering
from tests.http.filtering import VALUES, Leaf, Note, Owner, Thing, Tree, World, parameter, text_of
from tests.schema.serving import Served, served
from tests.support.databases import postgresql_backend, sqlite_backend

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does .not. support Decimal:sqlalchemy.exc.SAWarning")

EQUALITY, ORDER = ("eq", "ne", "in", "not_in"), ("gt", "gte", "lt", "lte", "between")
TEXT = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "like", "ilike")


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda seed: f"rows{seed}")
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, list[Served]]]:
    """Random rows, in Python and served from both databases."""
    with ExitStack() as stack:
        sqlite = stack.enter_context(sqlite_backend(tmp_path_factory.mktemp("filtering")))
        full = stack.enter_context(postgresql_backend(request.getfixturevalue("server")))
        things = Resource(Thing, bulk=True, bulk_limit=100)
        both = [
            stack.enter_context(served(backend, Owner, things, Note, rows=filtering.rows(request.param)))
            for backend in (sqlite, full)
        ]
        yield World(filtering.rows(request.param)), both


def _ids(answer: Any) -> list[int]:
    assert answer.status == 200, answer.body.decode()
    return [row["id"] for row in answer.json()]


def _is_too_deep(answer: Any, serving: Served) -> bool:
    """Say whether SQLite cannot read so many conditions inside one another."""
    return serving.engine.name == "sqlite" and answer.status == 422 and answer.json()["errors"][0]["type"] == "too_deep"


def _walked(client: Any, target: str) -> list[int]:
    """Follow the cursors from page to page."""
    found: list[int] = []
    while True:
        answer = client.get(target)
        found += _ids(answer)
        following = re.search('<([^>]*)>; rel="next"', answer.headers["link"])
        if following is None or len(found) > 100:
            return found
        target = following[1]


# Conditions

_TO = {"Thing": {"owner": "Owner", "notes": "Note"}, "Owner": {"friend": "Owner", "things": "Thing"},
       "Note": {"thing": "Thing"}}  # fmt: skip
_WAYS: dict[str, dict[tuple[str, ...], str]] = {}
for _start in _TO:
    _WAYS[_start] = {(): _start}
    for _ in range(3):
        _WAYS[_start] |= {(*way, name): to for way, end in _WAYS[_start].items() if len(way) < 3
                          for name, to in _TO[end].items()}  # fmt: skip

_PLAIN = {"Owner": {"name": "text", "rank": "number"}, "Note": {"body": "text", "stars": "number"},
          "Thing": {name: name for name in VALUES}}  # fmt: skip
_TYPED = {"settings.theme": "text", "settings.size.width": "number", "settings.ratio": "ratio", "settings.dark": "flag",
          "settings.since": "day", "settings.color": "color"}  # fmt: skip
_UNTYPED = [f"{column}.{path}" for column in ("data", "binary") for path in
            ("a", "é", "7", "list", "list.0", "in", "in.b", "in.0", "in.1.0", "nothing")]  # fmt: skip
_LIKE = st.lists(st.sampled_from([*filtering.TEXTS, "%", "_", "\\%", "\\_"]), max_size=3).map("".join)


def _signs(kind: str) -> tuple[str, ...]:
    found = (*EQUALITY, "is_null")
    if kind not in ("flag", "color"):
        found += ORDER
    return found + TEXT if kind == "text" else found


@st.composite
def leaf(draw: st.DrawFn, start: str, depth: int) -> Leaf:
    """One comparison, of any column with any operator that it has, through any relations."""
    way = draw(st.sampled_from([way for way in _WAYS[start] if len(way) <= depth]))
    end = _WAYS[start][way]
    what = draw(st.sampled_from(["plain"] * 3 + ["typed", "untyped", "list", "exists"] * (end == "Thing")))
    if what == "exists":
        if len(way) == depth:
            what = "plain"
        else:
            return Leaf(
                way, draw(st.sampled_from(list(_TO[end]))), "exists", (draw(st.sampled_from(["true", "false"])),)
            )
    if what == "untyped":
        sign = draw(st.sampled_from([*EQUALITY, *ORDER, *TEXT, "overlaps", "is_null"]))
        column, values = draw(st.sampled_from(_UNTYPED)), st.sampled_from(["3", "3.0", "3e0", "-0", *filtering.TEXTS])
    elif what == "list":
        column = draw(st.sampled_from(["tags", "counts", "settings.words"]))
        sign = draw(st.sampled_from(["contains", "overlaps", "is_null"]))
        values = st.sampled_from([1, 2, 3] if column == "counts" else filtering.TEXTS)
    else:
        columns = _TYPED if what == "typed" else _PLAIN[end]
        column = draw(st.sampled_from(list(columns)))
        sign = draw(st.sampled_from(_signs(columns[column])))
        values = st.sampled_from(VALUES[columns[column]])
    if sign == "is_null":
        return Leaf(way, column, sign, (draw(st.sampled_from(["true", "false"])),))
    if sign in ("like", "ilike"):
        values = _LIKE.filter(lambda text: text.count("%") <= 10)
    several = {"in": 4, "not_in": 4, "overlaps": 3, "contains": 3 if what == "list" else 1}.get(sign, 1)
    least, most = (2, 2) if sign == "between" else (1, several)
    operands = tuple(draw(st.lists(values, min_size=least, max_size=most)))
    return Leaf(way, column, sign, tuple(map(text_of, operands)), operands)


def conditions(start: str = "Thing", depth: int = 3) -> st.SearchStrategy[Leaf | Tree]:
    """Comparisons, nested in anything."""
    below: Any = leaf(start, depth)

    def grown(inner: st.SearchStrategy[Leaf | Tree]) -> st.SearchStrategy[Leaf | Tree]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        trees: list[Any] = [st.builds(Tree, st.sampled_from(["or", "and", "not"]), parts)]
        if depth:
            for name, to in _TO[start].items():
                of = st.lists(conditions(to, depth - 1), min_size=1, max_size=2).map(tuple)
                trees.append(st.builds(Tree, st.just(name), of))
        return st.one_of(trees)

    return st.recursive(below, grown, max_leaves=4) if depth == 3 else st.one_of(below, grown(below))


_settings = settings(
    max_examples=int(os.environ.get("ONETRIP_EXAMPLES", "25")), deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)  # fmt: skip


@_settings
@given(st.lists(conditions(), min_size=1, max_size=2, unique_by=lambda asked: parameter(asked).partition("=")[0]))
@example([Tree("not", (Leaf(("owner",), "rank", "gt", ("1",), (1,)),))])
@example([Leaf((), "text", "icontains", ("ΑΣ",))])
@example([Leaf((), "text", "like", ("a\\",))])
def test_rows_are_found(world: tuple[World, list[Served]], asked: list[Leaf | Tree]) -> None:
    """What is found is what meets every condition, on both databases; PATCH changes the same rows."""
    meant, both = world
    wanted = [row.id for row in meant.rows["Thing"].values() if all(meant.meets(row, each) is True for each in asked)]
    query = "&".join(map(parameter, asked))
    for serving in both:
        found = serving.client.get(f"/things?fields=id&{query}")
        assume(not _is_too_deep(found, serving))
        assert _ids(found) == wanted, (serving.engine.name, query)
    for serving in both:
        changed = serving.client.send("PATCH", f"/things?fields=id&{query}", {"mark": len(query)})
        assert sorted(_ids(changed)) == wanted, (serving.engine.name, query)


@_settings
@given(st.lists(conditions("Note", 1), min_size=1, max_size=1), st.integers(0, 4), st.booleans())
def test_embedded_rows_are_chosen(
    world: tuple[World, list[Served]], asked: list[Leaf | Tree], limit: int, backwards: bool
) -> None:
    """A filter in the options of an embed chooses rows of the embed, and none of its parents."""
    meant, both = world
    options = ",".join([*map(filtering.inside, asked), f"limit={limit}", f"sort={'-' * backwards}id", "fields=id"])
    for serving in both:
        answer = serving.client.get(f"/things?fields=id&include={quote(f'notes({options})', safe='')}")
        assert answer.status == 200, answer.body.decode()
        for row in answer.json():
            notes = meant.lead["notes"](meant.rows["Thing"][row["id"]])
            keys = sorted((note.id for note in notes if meant.meets(note, asked[0]) is True), reverse=backwards)
            assert [note["id"] for note in row["notes"]] == keys[:limit], (serving.engine.name, options)


_SORTS = ["text", "number", "price", "moment", "uid", "color", "owner.name", "owner.friend.rank", "settings.theme",
          "settings.size.width", "settings.dark", "settings.since", "data.a", "binary.a", "owner.id"]  # fmt: skip


_NOTHING = (2,)


def _rank(value: Any, column: str) -> Any:
    """Order values as they are stored; inside of JSON numbers first, then the rest as text; nothing last."""
    if value is None:
        return _NOTHING
    if column.startswith(("data", "binary")):
        return (0, value) if filtering._is_number(value) else (1, text_of(value) if isinstance(value, bool) else value)
    if isinstance(value, filtering.Color):
        value = value.name if column == "color" else value.value
    return (0, str(value) if isinstance(value, filtering.UUID) else value)


Key = tuple[str, bool, str]
"""A key of `sort`: a column, whether from the greatest on, and where nothing is: `""`, `:nullsfirst`, `:nullslast`."""

_keys: st.SearchStrategy[list[Key]] = st.lists(
    st.tuples(st.sampled_from(_SORTS), st.booleans(), st.sampled_from(["", "", ":nullsfirst", ":nullslast"])),
    min_size=1, max_size=3, unique_by=lambda key: key[0],
)  # fmt: skip


def _sort(keys: list[Key]) -> str:
    return ",".join("-" * backwards + column + nulls for column, backwards, nulls in keys)


def _sorted(meant: World, rows: Iterable[Any], keys: list[Key]) -> list[Any]:
    """Sort things as `sort` does, at last by their own key, in the direction of the last."""
    wanted = sorted(rows, key=lambda row: row.id, reverse=keys[-1][1])
    for column, backwards, nulls in reversed(keys):
        *way, name = column.split(".") if column.startswith("owner") else (column,)

        def key(row: Any, way: Any = way, name: str = name) -> Any:
            ends = meant._follow(row, way)
            return _rank(filtering.value_at(ends[0], name) if ends else None, name)

        wanted.sort(key=key, reverse=backwards)
        if nulls:
            nothing = [row for row in wanted if key(row) == _NOTHING]
            some = [row for row in wanted if key(row) != _NOTHING]
            wanted = nothing + some if nulls == ":nullsfirst" else some + nothing
    return wanted


@_settings
@given(_keys)
def test_rows_are_sorted(world: tuple[World, list[Served]], keys: list[Key]) -> None:
    """Sorts by columns, by those of rows to which they lead, and inside of JSON, are the same on both databases."""
    meant, both = world
    wanted = _sorted(meant, meant.rows["Thing"].values(), keys)
    query = quote(_sort(keys), safe="")
    for serving in both:
        found = _ids(serving.client.get(f"/things?fields=id&sort={query}"))
        assert found == [row.id for row in wanted], (serving.engine.name, query)
        assert _walked(serving.client, f"/things?fields=id&limit=15&sort={query}") == found, (
            serving.engine.name,
            query,
        )


# Everything at once


@dataclass(frozen=True)
class Asked:
    """A whole request: conditions, order, a page, what is shown, and what of the rows of relations."""

    conditions: list[Leaf | Tree]
    keys: list[Key]
    page: tuple[int, int]
    notes: tuple[Leaf | Tree, int, bool]
    friend: bool
    counted: bool

    @property
    def query(self) -> str:
        condition, limit, backwards = self.notes
        options = f"{filtering.inside(condition)},limit={limit},sort=({'-' * backwards}stars),fields=(id,stars)"
        limit, offset = self.page
        fields = ["id", "number", "notes.count"] if self.counted else ["id", "number"]
        include = [f"notes({options})", f"owner(fields=(id,name){',include=friend(fields=id)' * self.friend})"]
        parts = [*map(parameter, self.conditions), f"sort={quote(_sort(self.keys))}", f"limit={limit}&offset={offset}"]
        parts += [f"fields={','.join(fields)}", f"include={quote(','.join(include), safe='')}", "count=exact"]
        return "&".join(parts)

    def answer(self, meant: World) -> tuple[list[Any], int]:
        """What rows and how many there are, by plain Python."""
        rows = [row for row in meant.rows["Thing"].values() if all(meant.meets(row, each) for each in self.conditions)]
        limit, offset = self.page
        found = _sorted(meant, rows, self.keys)[offset : offset + limit]
        return [self._shown(meant, row) for row in found], len(rows)

    def _shown(self, meant: World, row: Any) -> dict[str, Any]:
        condition, limit, backwards = self.notes
        notes = [note for note in meant.lead["notes"](row) if meant.meets(note, condition)]
        notes.sort(key=lambda note: (note.stars is None, note.stars or 0, note.id), reverse=backwards)
        shown: dict[str, Any] = {"id": row.id, "number": row.number}
        if self.counted:
            shown["notes.count"] = len(meant.lead["notes"](row))
        shown["notes"] = [{"id": note.id, "stars": note.stars} for note in notes[:limit]]
        shown["owner"] = self._owner(meant, row)
        return shown

    def _owner(self, meant: World, row: Any) -> dict[str, Any] | None:
        for owner in meant.lead["owner"](row):
            shown = {"id": owner.id, "name": owner.name}
            if self.friend:
                shown["friend"] = next(({"id": each.id} for each in meant.lead["friend"](owner)), None)
            return shown
        return None


_asked = st.builds(
    Asked,
    conditions=st.lists(conditions(), max_size=2, unique_by=lambda asked: parameter(asked).partition("=")[0]),
    keys=_keys, page=st.tuples(st.sampled_from([0, 1, 3, 50]), st.sampled_from([0, 0, 1, 5])),
    notes=st.tuples(conditions("Note", 1), st.integers(0, 4), st.booleans()), friend=st.booleans(),
    counted=st.booleans(),
)  # fmt: skip


@_settings
@given(_asked)
def test_everything_at_once(world: tuple[World, list[Served]], asked: Asked) -> None:
    """Conditions, an order, a page, a count, embeds with options and embeds of embeds give what Python finds."""
    meant, both = world
    rows, total = asked.answer(meant)
    for serving in both:
        answer = serving.client.get(f"/things?{asked.query}")
        assert answer.status == 200, (answer.body.decode(), asked.query)
        assert answer.json() == rows, (serving.engine.name, asked.query)
        assert answer.headers["x-total-count"] == str(total), (serving.engine.name, asked.query)


def test_rows_are_deleted(world: tuple[World, list[Served]]) -> None:
    """DELETE takes the rows that a tree of conditions chooses, through relations too, and no other."""
    meant, both = world
    lonely = Tree("not", (Leaf((), "notes", "exists", ("true",)),))
    one_of = (Leaf(("owner",), "rank", "gt", ("1",), (1,)), Leaf((), "flag", "is_null", ("true",)))
    asked = Tree("and", (lonely, Tree("or", one_of)))  # what notes refer to could not be deleted
    gone = [row.id for row in meant.rows["Thing"].values() if meant.meets(row, asked) is True]
    assert 0 < len(gone) < 40
    for serving in both:
        answer = serving.client.request("DELETE", f"/things?{parameter(asked)}")
        assert (answer.status, answer.headers["x-total-count"]) == (204, str(len(gone)))
        left = _ids(serving.client.get("/things?fields=id"))
        assert left == [key for key in meant.rows["Thing"] if key not in gone]
    for key in gone:
        del meant.rows["Thing"][key]


NESTED = "owner=(not=(friend.things.data.in__in=(10)),and=(things.notes__exists=false))"


def test_conditions_that_sqlite_cannot_read(world: tuple[World, list[Served]]) -> None:
    """What is within the limits and too deep for SQLite's parser is a 422 there, and never a 500."""
    sqlite, full = world[1]
    assert full.client.get(f"/things?fields=id&{NESTED}").status == 200
    for target in (f"/things?{NESTED}", f"/things?or=(id=0,{NESTED})", f"/things:aggregate?count=*&{NESTED}"):
        answer = sqlite.client.get(target)
        assert answer.status in (200, 422), answer.body
        if answer.status == 422:
            assert answer.json()["errors"] == [
                {
                    "loc": ["query"],
                    "msg": "The conditions of the request are nested more deeply than the database can read.",
                    "type": "too_deep",
                }
            ]
