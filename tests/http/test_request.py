"""What is read of a request's head, and which paths stand for what."""

from functools import cache

import pytest
from sqlalchemy.dialects import sqlite

from onetrip.errors import BadRequest, Invalid, NotAcceptable
from onetrip.http.request import JSON, condition, matches, negotiate
from onetrip.http.routes import RouteTable, key_texts
from onetrip.schema.derive import derive
from tests.http import world
from tests.support import blog


@pytest.mark.parametrize(
    ("accept", "admitted"),
    [
        (b"application/json", True), (b"APPLICATION/JSON", True), (b"application/*", True), (b"*/*", True), (b"", True),
        (b"application/json;charset=utf-8", True), (b"application/json; q=0.001", True),
        (b"a/b , application/json ;q=1", True),
        (b"text/html, */*;q=0.1", True), (b"*/*;q=0, application/json", True),
        (b"application/*;q=0, application/json", True),
        (b"application/json;q=0, application/json;q=1", True), (b"text/html", False), (b"application/json;q=0", False),
        (b"application/json;Q=0", False), (b"application/json ; q=0.0", False), (b"*/*, application/json;q=0", False),
        (b"*/*, application/*;q=0", False), (b"*/*;q=0", False), (b"application/json;q=nan", False),
        (b"application/json;q=-1", False), (b"application/json;q=", False), (b"application/jsonx", False),
        (b"json", False),
        (b"application/json+x", False), (b"\xff\x00", False), (b"*", False), (b"application/", False),
    ],
)  # fmt: skip
def test_an_accept_header_admits_json_or_not(accept: bytes, admitted: bool) -> None:
    """The most specific range decides, by its weight (RFC 9110 §12.5.1)."""
    assert negotiate(accept, (JSON,)) == (JSON if admitted else None)
    headers = [(b"host", b"test"), (b"accept", accept)]
    if admitted:
        assert condition(headers) is None
    else:
        with pytest.raises(NotAcceptable):
            condition(headers)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (b"*/*", "json"), (b"", "json"), (b"text/csv", "csv"), (b"application/x-ndjson", "ndjson"), (b"text/*", "csv"),
        (b"application/*", "json"), (b"text/html, */*;q=0.8", "json"), (b"text/csv, application/json", "json"),
        (b"text/csv, application/json;q=0.9", "csv"), (b"TEXT/CSV; header=present ;Q=0.5, */*;q=0.1", "csv"),
        (b"text/csv;q=0, text/*", None), (b"application/json;q=0, application/*", "ndjson"), (b"text/plain", None),
        (b"*/*, application/json;q=0, application/x-ndjson;q=0", "csv"), (b"text/csv;q=x", None),
    ],
)  # fmt: skip
def test_the_form_that_a_client_likes_best(accept: bytes, chosen: str | None) -> None:
    """The highest weight wins, JSON among equals."""
    offered = {"json": JSON, "ndjson": b"application/x-ndjson", "csv": b"text/csv"}
    assert negotiate(accept, tuple(offered.values())) == (None if chosen is None else offered[chosen])


def test_repeated_headers_are_one_list() -> None:
    """`Accept` and `If-None-Match` may be sent in several lines (RFC 9110 §5.3)."""
    lines = [
        (b"accept", b"text/html"),
        (b"if-none-match", b'"a"'),
        (b"accept", b"application/json"),
        (b"if-none-match", b'"b"'),
    ]
    assert condition(lines) == b'"a","b"'
    assert condition([]) is None


@pytest.mark.parametrize(
    ("sent", "matched"),
    [
        (b'W/"x"', True), (b'"x"', True), (b"*", True), (b" * ", True), (b'"a", W/"x"', True), (b'"a","x"', True),
        (b'"a,b", "x"', True), (b'W/"a"', False), (b"", False), (b"x", False), (b'"x', False), (b'""', False),
        (b'"X"', False),
        (b'"*"', False), (b'**', False), (b'"W/x"', False), (b"\xff", False),
    ],
)  # fmt: skip
def test_tags_are_compared_weakly(sent: bytes, matched: bool) -> None:
    """`If-None-Match` (RFC 9110 §13.1.2): anything, or a list of tags of which one is ours, weak or not."""
    assert matches(sent, b'W/"x"') is matched


@cache
def table() -> RouteTable:
    tables = (blog.User, blog.Post, blog.Comment, world.Shelf, world.Book, world.Country, world.City)
    return RouteTable(derive(tables, sqlite.dialect(), lambda type_: None))


@pytest.mark.parametrize(
    ("path", "template", "key"),
    [
        ("/users", "/users", ""), ("/users/1", "/users/{id}", "1"), ("/users/1/posts", "/users/{id}/posts", "1"),
        ("/posts/x/author", "/posts/{id}/author", "x"), ("/countries/a b", "/countries/{code}", "a b"),
        ("/shelves/a,b", "/shelves/{key}", "a,b"), ("/users/posts", "/users/{id}", "posts"),
        ("/users/..", "/users/{id}", ".."),
        ("/users/\n/posts", "/users/{id}/posts", "\n"),
    ],
)  # fmt: skip
def test_a_path_is_found(path: str, template: str, key: str) -> None:
    """A collection, an item or a relation of one, by dictionary."""
    found = table().find(path)
    assert found is not None and (found.route.template, found.key) == (template, key)


@pytest.mark.parametrize(
    "path",
    ["", "/", "users", "x/users", "//users", "/users/", "/users//posts", "/users/1/", "/users/1/posts/",
    "/users/1/posts/1",
     "/users/1/nothing", "/nothing", "/Users", "/user", "/users/1//posts", "/posts/1/authors"],
)  # fmt: skip
def test_another_path_is_not_found(path: str) -> None:
    """What is not exactly a generated path is somebody else's."""
    assert table().find(path) is None


@pytest.mark.parametrize(
    ("raw", "template", "key"),
    [
        (b"/countries/a%2Fb", "/countries/{code}", "a/b"),
        (b"/countries/a%2Fb/cities", "/countries/{code}/cities", "a/b"),
        (b"/countries/%252F", "/countries/{code}", "%2F"), (b"/%75sers/%31/p%6Fsts", "/users/{id}/posts", "1"),
        (b"/countries/%F0%9F%9A%80", "/countries/{code}", "🚀"), (b"/countries/%3F%23", "/countries/{code}", "?#"),
        (b"/countries/a+b", "/countries/{code}", "a+b"),
    ],
)  # fmt: skip
def test_an_escaped_path_is_found_by_its_segments(raw: bytes, template: str, key: str) -> None:
    """Segments are cut before they are decoded, so that a key may hold a slash; a plus sign is a plus sign."""
    found = table().find_raw(raw)
    assert found is not None and (found.route.template, found.key) == (template, key)


@pytest.mark.parametrize("raw", [b"/users/%ff", b"/users/%4", b"/users/%zz", b"/%ff", b"/users/1/%C3"])
def test_a_path_that_cannot_be_read_is_a_400(raw: bytes) -> None:
    """A broken escape and what is not UTF-8 are refused before anything is looked for."""
    with pytest.raises(BadRequest):
        table().find_raw(raw)


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("/users", ()), ("/users/1", ("1",)), ("/users/a,b", ("a,b",)), ('/countries/"x"', ('"x"',)),
        ("/shelves/a,b", ("a", "b")),
        ('/shelves/"a,b",c', ("a,b", "c")), ("/shelves/,", ("", "")), ('/shelves/"",""', ("", "")),
        ('/shelves/"\n","""x"', ("\n", '"x')),
    ],
)  # fmt: skip
def test_the_texts_of_a_key(path: str, texts: tuple[str, ...]) -> None:
    """A single key is the whole segment, a composite one is split at its commas."""
    found = table().find(path)
    assert found is not None and key_texts(found.route.endpoint, found.key) == texts


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/shelves/a", "key_parts"), ("/shelves/a,b,c", "key_parts"), ('/shelves/"a', "syntax"),
        ('/shelves/a"b,c', "syntax"),
        ("/users/\0", "nul"), ("/countries/a\0b", "nul"), ("/shelves/a,\0", "nul"),
    ],
)  # fmt: skip
def test_a_key_that_is_none(path: str, kind: str) -> None:
    """Too few parts, too many, a quote out of place and NUL are refused, and the parts are named."""
    found = table().find(path)
    assert found is not None
    with pytest.raises(Invalid) as refused:
        key_texts(found.route.endpoint, found.key)
    assert [(item.loc[0], item.type) for item in refused.value.errors] == [("path", kind)]


def test_every_route_is_found_by_its_template() -> None:
    """The table and the list of routes say the same."""
    for route in table().routes():
        found = table().find(route.template)
        assert found is not None and found.route is route
