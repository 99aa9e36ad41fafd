"""`plan_read`: what a query means on a schema, without a database."""

from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy.dialects import sqlite

from onetrip.errors import Invalid
from onetrip.plan.filters import MAX_ERRORS
from onetrip.plan.ir import Embedded, Number, OrderKey, ReadPlan, Shape
from onetrip.plan.read import Endpoint, plan_read
from onetrip.query.parser import parse
from onetrip.query.split import split
from onetrip.schema.declaration import Resource
from onetrip.schema.derive import derive
from onetrip.schema.model import Schema
from onetrip.settings import Limits
from tests.http import world
from tests.support import blog


@cache
def schema() -> Schema:
    tables = (
        Resource(blog.User, default_limit=7, max_limit=9), blog.Post, blog.Comment, world.PlaylistTrack, world.Playlist,
        world.Track, world.Reserved, world.Sample, world.Employee, world.Badge, world.Account, world.Vault,
    )  # fmt: skip
    return derive(tables, sqlite.dialect(), lambda type_: None)


def endpoint(path: str) -> Endpoint:
    """An endpoint by its path: `posts`, `posts/1`, `posts/1/author`."""
    name, *rest = path.split("/")
    resource = schema().resources[name]
    if len(rest) < 2:
        return Endpoint(kind="item" if rest else "collection", resource=resource, target=resource)
    relation = resource.relations[rest[1]]
    return Endpoint(kind="related", resource=resource, relation=relation, target=schema().resources[relation.target])


def planned(path: str, query: str = "", limits: Limits | None = None) -> ReadPlan:
    return plan_read(parse(split(query.encode())[0]), endpoint(path), schema(), limits or Limits())


def shown(shape: Shape) -> list[Any]:
    """What an object holds: names of columns, and `(relation, [what its objects hold])`."""
    return [
        (item.name, shown(item.selection.shape)) if isinstance(item, Embedded) else item.name for item in shape.items
    ]


def ordered(keys: tuple[OrderKey, ...]) -> list[str]:
    """An order as one writes it."""
    placement = {None: "", True: ":nullsfirst", False: ":nullslast"}
    return [f"{'-' if key.descending else ''}{key.field.name}{placement[key.nulls_first]}" for key in keys]


_COMMENT = ["id", "body", "post_id", "author_id"]
_POST = ["id", "title", "content", "views", "published", "author_id"]
_USER = ["id", "email", "username", "bio", "created_at"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", _POST),
        ("fields=title,id", ["title", "id"]),
        ("include=author", [*_POST, ("author", _USER)]),
        ("include=comments,author", [*_POST, ("comments", _COMMENT), ("author", _USER)]),
        ("include=author.posts.comments", [*_POST, ("author", [*_USER, ("posts", [*_POST, ("comments", _COMMENT)])])]),
        ("fields=author.username", [("author", ["username"])]),
        ("fields=id,author.username,author.id,title", ["id", ("author", ["username", "id"]), "title"]),
        ("fields=author.posts.comments.id", [("author", [("posts", [("comments", ["id"])])])]),
        ("fields=id,author", ["id", ("author", _USER)]),
        ("fields=author,author.id", [("author", _USER)]),
        ("fields=author.id,author", [("author", _USER)]),
        ("fields=author,id,author.posts.id", [("author", [*_USER, ("posts", ["id"])]), "id"]),
        ("fields=author.posts.id,author.posts", [("author", [("posts", _POST)])]),
        ("fields=id,author&include=author.posts", ["id", ("author", [*_USER, ("posts", _POST)])]),
        (
            "fields=id,author.id&include=author.posts,comments",
            ["id", ("author", ["id", ("posts", _POST)]), ("comments", _COMMENT)],
        ),
    ],
)
def test_an_object_holds_what_was_asked_for(query: str, expected: list[Any]) -> None:
    """Columns and embeds stand in the order of the request, everything visible where nothing was asked for."""
    assert shown(planned("posts", query).selection.shape) == expected


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("posts", "", ["id"]),
        ("posts", "sort=views", ["views", "id"]),
        ("posts", "sort=-views", ["-views", "-id"]),
        ("posts", "sort=-views,title", ["-views", "title", "id"]),
        ("posts", "sort=views,-title", ["views", "-title", "-id"]),
        ("posts", "sort=id", ["id"]),
        ("posts", "sort=-id", ["-id"]),
        ("posts", "sort=-id,title", ["-id", "title"]),
        ("posts", "sort=title,-title", ["title", "id"]),
        ("posts", "sort=-views:nullslast,views,-title", ["-views:nullslast", "-title", "-id"]),
        ("users", "sort=bio:nullsfirst,-username:nullslast", ["bio:nullsfirst", "-username:nullslast", "-id"]),
        ("playlist_track", "", ["playlist_id", "track_id"]),
        ("playlist_track", "sort=-position", ["-position", "-playlist_id", "-track_id"]),
        ("playlist_track", "sort=-track_id", ["-track_id", "-playlist_id"]),
        ("playlist_track", "sort=track_id,-playlist_id", ["track_id", "-playlist_id"]),
        ("users/1/posts", "sort=-views", ["-views", "-id"]),
        ("playlists/1/tracks", "", ["id"]),
        ("posts/1", "", []),
        ("posts/1/author", "", []),
    ],
)
def test_an_order_is_total(path: str, query: str, expected: list[str]) -> None:
    """What is left of the key is appended, in the direction of the last key that was given."""
    assert ordered(planned(path, query).selection.order) == expected


def test_embeds_are_ordered_and_capped() -> None:
    """A to-many embed has the order of its own key and a limit that no client raises; a to-one has neither."""
    shape = planned("posts", "include=comments.author", Limits(embed_rows=5)).selection.shape
    comments = shape.items[-1]
    assert isinstance(comments, Embedded)
    assert (ordered(comments.selection.order), comments.selection.cap, comments.selection.limit) == (["id"], 5, None)
    author = comments.selection.shape.items[-1]
    assert isinstance(author, Embedded)
    assert (author.selection.order, author.selection.cap) == ((), None)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("posts", "", [("limit", None, 50), ("offset", None, 0)]),
        ("users", "", [("limit", None, 7), ("offset", None, 0)]),
        ("posts", "limit=5&offset=6", [("limit", None, 5), ("offset", 0, None)]),
        ("posts", "offset=6&limit=5", [("limit", None, 5), ("offset", 0, None)]),
        (
            "posts",
            "views=1&limit=5&title=x",
            [("views", 0, None), ("title", 1, None), ("limit", None, 5), ("offset", None, 0)],
        ),
        ("posts", "sort=id&views=1", [("views", 0, None), ("limit", None, 50), ("offset", None, 0)]),
        ("posts/1", "", [("id", 0, None)]),
        ("posts/1/author", "", [("id", 0, None)]),
        ("playlist_track/1,2", "", [("playlist_id", 0, None), ("track_id", 1, None)]),
        (
            "users/1/posts",
            "limit=5&views=1",
            [("id", 0, None), ("views", 1, None), ("limit", None, 5), ("offset", None, 0)],
        ),
    ],
)
def test_values_come_from_their_slots(path: str, query: str, expected: list[tuple[str, int | None, Any]]) -> None:
    """Key first, then filters, then the window: each parameter names its place among the values, or what it is."""
    parameters = planned(path, query).parameters
    assert [(item.loc[-1], item.slot, item.default) for item in parameters] == expected


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("limit__eq=1", ["limit"]), ("limit__eq=1&limit=2", ["limit"]), ("count__eq=1", ["count"]),
        ("fields__eq=x", ["fields"]),
        ("a=1", ["a"]), ("a__eq=1", ["a"]), ("a__b=1", ["a__b"]), ("a__b__eq=1", ["a__b"]),
        ("a=1&a__b=2", ["a", "a__b"]),
    ],
)  # fmt: skip
def test_filters_find_their_columns(query: str, columns: list[str]) -> None:
    """By name, or by its operator form, which reserved names need and names with two underscores do not."""
    where = planned("reserved", query).selection.where
    assert [(part.field.name, part.operator) for part in where] == [(column, "eq") for column in columns]  # type: ignore[union-attr]


def test_a_relation_hangs_on_an_anchor() -> None:
    """The row in the path is the anchor, met by its whole key; filters are for the rows of the relation."""
    plan = planned("users/1/posts", "views=1")
    assert plan.anchor is not None and plan.many
    assert (plan.anchor.entity, [part.field.name for part in plan.anchor.where]) == (blog.User, ["id"])
    assert plan.anchor.relation.name == "posts"
    assert [part.field.name for part in plan.selection.where] == ["views"]  # type: ignore[union-attr]
    assert planned("posts/1/author").many is False


def test_one_row_is_met_by_its_key() -> None:
    """An item is a selection by the key, without a window; a key out of range is an absence, a filter is not."""
    plan = planned("playlist_track/1,2")
    assert (plan.many, plan.anchor, plan.selection.limit) == (False, None, None)
    assert [part.field.name for part in plan.selection.where] == ["playlist_id", "track_id"]  # type: ignore[union-attr]
    assert [item.miss_is_absence for item in plan.parameters] == [True, True]
    assert [item.miss_is_absence for item in planned("posts", "id=1").parameters] == [False, False, False]


@pytest.mark.parametrize(
    ("path", "query", "loc", "kind", "hint"),
    [
        ("posts", "titel=1", ["titel"], "unknown_parameter", "Did you mean 'title'?"),
        ("posts", "titel=1&zzz=1", ["titel", "zzz"], "unknown_parameter", "Did you mean 'title'?"),
        ("posts", "internal_note=1", ["internal_note"], "unknown_parameter", None),
        ("posts", "views__icontains=1", ["views__icontains"], "unknown_operator", None),
        ("posts", "author.usrname=1", ["author.usrname"], "unknown_field", "Did you mean 'username'?"),
        ("posts", "sort=titel", ["sort"], "unknown_field", "Did you mean 'title'?"),
        ("posts", "sort=internal_note", ["sort"], "unknown_field", None),
        ("posts", "fields=titel", ["fields"], "unknown_field", "Did you mean 'title'?"),
        ("posts", "fields=internal_note", ["fields"], "unknown_field", None),
        ("posts", "fields=author.hashed_password", ["fields"], "unknown_field", None),
        ("posts", "fields=author,author.zzz", ["fields"], "unknown_field", None),
        ("posts", "fields=author,author.id.zzz", ["fields"], "unknown_relation", None),
        ("posts", "fields=title.id", ["fields"], "unknown_relation", None),
        ("posts", "include=autor", ["include"], "unknown_relation", "Did you mean 'author'?"),
        ("posts", "include=author.autor", ["include"], "unknown_relation", "There are: comments, posts."),
        ("posts", "include=title", ["include"], "unknown_relation", None),
        ("samples", "include=x", ["include"], "unknown_relation", "It has no relations."),
        ("samples", "document=1", ["document"], "not_filterable", None),
        ("samples", "sort=document", ["sort"], "not_sortable", None),
        ("reserved", "count=1", ["count"], "value_error", "A column of this name is filtered by 'count__eq'."),
        ("posts/1", "sort=id&limit=1", ["sort", "limit"], "unknown_parameter", None),
        ("posts/1", "title=x", ["title"], "unknown_parameter", "There are: fields, include."),
        ("posts/1/author", "offset=1", ["offset"], "unknown_parameter", None),
        ("posts", "include=author.posts.author.posts", ["include"], "too_deep", None),
        ("posts", "fields=author.posts.author.posts.id", ["fields"], "too_deep", None),
    ],
)
def test_what_is_not_there_is_refused(path: str, query: str, loc: list[str], kind: str, hint: str | None) -> None:
    """The problem names the parameter, says of which kind it is, and leads to a name that exists and may be seen."""
    with pytest.raises(Invalid) as refused:
        planned(path, query)
    assert [item.loc for item in refused.value.errors] == [("query", name) for name in loc]
    assert {item.type for item in refused.value.errors} == {kind}
    assert hint is None or refused.value.hint == hint
    for secret in ("internal_note", "hashed_password"):
        assert secret in query or secret not in f"{refused.value.hint}{refused.value.errors}"


def test_only_so_many_errors_are_listed() -> None:
    """Thousands of wrong names are refused as soon as there are enough to say so."""
    with pytest.raises(Invalid) as refused:
        planned("posts", "&".join(f"x{number}=1" for number in range(2000)))
    assert len(refused.value.errors) == MAX_ERRORS


def test_limits_are_the_applications() -> None:
    """Depth and number of embeds are bounded as configured, and by nothing else."""
    deep = "include=author.posts.author.posts.author"
    assert planned("posts", deep, Limits(depth=5)).selection.shape
    with pytest.raises(Invalid, match="at most 4"):
        planned("posts", deep, Limits(depth=4))
    assert planned("posts", "include=author.posts,comments", Limits(embeds=3)).selection.shape
    with pytest.raises(Invalid, match="More than 2"):
        planned("posts", "include=author.posts,comments", Limits(embeds=2))
    with pytest.raises(Invalid, match="is embedded 1 levels deep; at most 0"):
        planned("posts", "include=author", Limits(depth=0))


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [("limit", "0", 0), ("limit", "9", 9), ("limit", "007", 7), ("limit", "10", None), ("limit", "-1", None),
    ("limit", "", None),
     ("limit", "1.0", None), ("limit", "+1", None), ("limit", " 1", None), ("limit", "1\n", None), ("limit", "٣", None),
     ("limit", "9" * 5000, None), ("offset", "0", 0), ("offset", "100000", 100_000), ("offset", "100001", None)],
)  # fmt: skip
def test_a_window_is_a_number_within_its_bounds(parameter: str, text: str, value: int | None) -> None:
    """Digits and nothing else, up to the resource's maximum."""
    if value is not None:
        assert window(parameter, text) == value
    else:
        with pytest.raises(ValueError, match="must be"):
            window(parameter, text)


def window(parameter: str, text: str) -> int:
    """Read a limit as the plan does, which is made for it, or an offset as each request does."""
    try:
        plan = planned("users", f"{parameter}={quote(text)}")
    except Invalid as refused:
        assert [(item.loc, item.type) for item in refused.errors] == [(("query", parameter), "value_error")]
        raise ValueError(refused.errors[0].msg) from None
    (found,) = [item for item in plan.parameters if item.loc == ("query", parameter)]
    return int(found.parse(text)) if found.default is None else int(found.default)


def test_a_plan_holds_no_value() -> None:
    """Requests of one shape share a plan: what differs between them is not in it."""
    one, other = (planned("posts", query) for query in ("views=1&offset=2&sort=-id", "views=9&offset=8&sort=-id"))
    assert replace(one.selection, shape=other.selection.shape) == other.selection
    assert shown(one.selection.shape) == shown(other.selection.shape)
    assert [(p.loc, p.slot, p.default) for p in one.parameters] == [
        (p.loc, p.slot, p.default) for p in other.parameters
    ]


def test_a_plan_knows_its_limit() -> None:
    """A limit is the same in every request of a shape, asked for or not; an offset is, where none is asked for."""
    found = {
        query: (plan.selection.limit, plan.selection.offset)
        for query in ("", "limit=5", "limit=5&offset=6")
        for plan in [planned("posts", query)]
    }
    assert found == {
        "": (Number(0, 50), Number(1, 0)),
        "limit=5": (Number(0, 5), Number(1, 0)),
        "limit=5&offset=6": (Number(0, 5), Number(1)),
    }


def test_a_wrong_limit_is_refused_alone() -> None:
    """No plan is made for it, which would judge the other values."""
    with pytest.raises(Invalid) as refused:
        planned("posts", "limit=x&views=x")
    assert [(item.loc, item.type) for item in refused.value.errors] == [(("query", "limit"), "value_error")]
