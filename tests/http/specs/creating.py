"""POST: one row or an array, the answer, its headers, and what is stored."""

from typing import Any

from tests.http.specs.change import Change, has, refused
from tests.http.writing import SECRET

_GRACE = {"email": "grace@example.com", "name": "Grace"}
_SHOWN = {"id": 4, **_GRACE, "bio": None, "role": "reader"}
_ADA = {"id": 1, "email": "ada@example.com", "name": "Ada", "bio": "wrote the first program", "role": "reader"}
_POST = {"id": 3, "title": "New", "content": "", "views": 0, "published": True, "author_id": 1}


def _created(name: str, path: str, sent: Any, body: Any, location: str | None = None, **more: Any) -> Change:
    headers = {"location": location} if location else {}
    return Change(name=name, method="POST", path=path, sent=sent, status=201, body=body, headers=headers, **more)


def _keyed(name: str, path: str, sent: Any, location: str) -> Change:
    table = {"/countries": "country", "/shelves": "shelf"}[path]
    return _created(name, path, sent, lambda body: sent.items() <= body.items(), location, after=has(table, sent))


SPECS = [
    _created(
        "create", "/authors", _GRACE, _SHOWN, "/authors/4",
        after=has("author", {"id": 4}, email="grace@example.com", bio=None, role="reader", hashed_password=SECRET),
    ),
    _created("create with what has a default", "/authors", {**_GRACE, "role": "writer", "bio": "b"},
             {**_SHOWN, "role": "writer", "bio": "b"}, "/authors/4", after=has("author", {"id": 4}, role="writer")),
    _created("create with null where that is allowed", "/authors", {**_GRACE, "bio": None}, _SHOWN, "/authors/4",
             after=has("author", {"id": 4}, bio=None)),
    _created("create with a charset", "/authors", _GRACE, _SHOWN, "/authors/4", after=has("author", {"id": 4}),
             send={"content-type": "Application/JSON; charset=UTF-8"}),
    _created("create with a hidden default", "/posts", {"title": "New", "author_id": 1}, _POST, "/posts/3",
             after=has("post", {"id": 3}, internal_note=SECRET, views=0)),
    _created("create some fields", "/authors?fields=id,role", _GRACE, {"id": 4, "role": "reader"}, "/authors/4",
             after=has("author", {"id": 4})),
    _created("create without the key in the answer", "/authors?fields=name", _GRACE, {"name": "Grace"}, "/authors/4",
             after=has("author", {"id": 4})),
    _created("create with a to-one embed", "/posts?include=author", {"title": "New", "author_id": 1},
             {**_POST, "author": _ADA}, "/posts/3", after=has("post", {"id": 3}), on_sqlite=4),
    _created("create with a field of an embed", "/posts?fields=title,author.name", {"title": "New", "author_id": 1},
             {"title": "New", "author": {"name": "Ada"}}, "/posts/3", after=has("post", {"id": 3}), on_sqlite=4),
    _created("create with a to-many embed", "/authors?include=posts", _GRACE, {**_SHOWN, "posts": []}, "/authors/4",
             after=has("author", {"id": 4}), on_sqlite=4),
    _created("create with an embed that leads back", "/posts?fields=id,author.posts.id",
             {"title": "New", "author_id": 1},
             {"id": 3, "author": {"posts": [{"id": 1}, {"id": 2}, {"id": 3}]}}, "/posts/3",
             after=has("post", {"id": 3}), statements=4),
    _created("create with an embed of the same table", "/nodes?include=parent,children&fields=id",
             {"name": "new", "parent_id": 2},
             {"id": 3, "parent": {"id": 2, "name": "leaf", "parent_id": 1}, "children": []}, "/nodes/3",
             after=has("node", {"id": 3}, parent_id=2), statements=4),
    _created("create with a counted version", "/pages?fields=id,version", {"title": "New"}, {"id": 3, "version": 1},
             "/pages/3", after=has("page", {"id": 3}, version=1)),
    Change(name="create with a strong tag", method="POST", path="/pages?fields=title", sent={"title": "New"},
           status=201, body={"title": "New"}, headers={"etag": '"1"'}, after=has("page", {"id": 3})),
    _created("create what Python writes", "/badges", {"givenName": "Grace", "family": "Hopper"},
             {"id": 2, "givenName": "Grace", "family": "Hopper", "whole": "Grace Hopper"}, "/badges/2",
             after=has("badge", {"id": 2}, given="Grace")),
    _created("create some of what Python writes", "/badges?fields=whole", {"givenName": "Grace"}, {"whole": "Grace"},
             "/badges/2", after=has("badge", {"id": 2}, family="")),
    _created("create nothing but defaults", "/samples?fields=id,kind,level,twice,document", {},
             {"id": 2, "kind": "plain", "level": 1, "twice": None, "document": None}, "/samples/2",
             after=has("sample", {"id": 2}, level=1)),
    _created("create what the database computes", "/samples?fields=whole,twice", {"whole": 21},
             {"whole": 21, "twice": 42}, "/samples/2", after=has("sample", {"id": 2}, twice=42)),
    _created("create what is rounded to its places", "/samples?fields=price", {"price": "1.5"}, {"price": "1.50"},
             "/samples/2", after=has("sample", {"id": 2})),
    _created("create a moment with an offset", "/samples?fields=moment", {"moment": "2026-01-31T09:30:00+02:00"},
             {"moment": "2026-01-31T07:30:00Z"}, "/samples/2", after=has("sample", {"id": 2})),
    _keyed("key that the client makes", "/countries", {"code": "FR", "name": "France"}, "/countries/FR"),
    _keyed("key with a slash", "/countries", {"code": "x/y", "name": "n"}, "/countries/x%2Fy"),
    _keyed("key with a percent sign", "/countries", {"code": "%41", "name": "n"}, "/countries/%2541"),
    _keyed("key with a comma", "/countries", {"code": "x,y", "name": "n"}, "/countries/x,y"),
    _keyed("key with quotes", "/countries", {"code": '"q"', "name": "n"}, "/countries/%22q%22"),
    _keyed("key with a question mark and a space", "/countries", {"code": "a ?b#", "name": "n"},
           "/countries/a%20%3Fb%23"),
    _keyed("key beyond ASCII", "/countries", {"code": "ä🚀", "name": "n"}, "/countries/%C3%A4%F0%9F%9A%80"),
    _keyed("composite key", "/shelves", {"room": "a", "label": "b"}, "/shelves/a,b"),
    _keyed("composite key with a comma", "/shelves", {"room": "a", "label": "b,c"}, "/shelves/a,%22b,c%22"),
    _keyed("composite key with a quote", "/shelves", {"room": 'a"', "label": "b"}, "/shelves/%22a%22%22%22,b"),
    _keyed("composite key with a slash and a percent sign", "/shelves", {"room": "/", "label": "%"},
           "/shelves/%2F,%25"),
    _keyed("composite key with an empty part", "/shelves", {"room": "", "label": "b"}, "/shelves/%22%22,b"),
    _created("create an array", "/authors", [_GRACE, {**_GRACE, "email": "h"}],
             [_SHOWN, {**_SHOWN, "id": 5, "email": "h"}], after=lambda stored: len(stored["author"]) == 5, on_sqlite=4),
    _created("create an array of one", "/authors", [_GRACE], [_SHOWN], after=has("author", {"id": 4}), on_sqlite=3),
    _created("create an array of none", "/authors", [], [], statements=0),
    _created("create an array in its order", "/authors?fields=id,bio",
             [{**_GRACE, "email": str(number), **({"bio": str(number)} if number % 3 else {})} for number in range(7)],
             [{"id": 4 + number, "bio": str(number) if number % 3 else None} for number in range(7)],
             after=lambda stored: len(stored["author"]) == 10, on_sqlite=9),
    _created("create an array with embeds", "/posts?include=author&fields=id",
             [{"title": "a", "author_id": 1}, {"title": "b", "author_id": 1}],
             [{"id": 3, "author": _ADA}, {"id": 4, "author": _ADA}], after=lambda stored: len(stored["post"]) == 4,
             on_sqlite=6),
    _created("create an array with embeds that lead back", "/nodes?include=children&fields=name",
             [{"name": "a", "parent_id": 1}, {"name": "b", "parent_id": 1}],
             [{"name": "a", "children": []}, {"name": "b", "children": []}],
             after=lambda stored: len(stored["node"]) == 4, statements=5, on_sqlite=6),
    _created("create an array that Python writes", "/badges?fields=whole", [{"givenName": "A"}, {"givenName": "B"}],
             [{"whole": "A"}, {"whole": "B"}], after=lambda stored: len(stored["badge"]) == 3, on_sqlite=4),
    Change(name="an array has no location and no tag", method="POST", path="/authors", sent=[_GRACE], status=201,
           headers={"location": None, "etag": None}, after=has("author", {"id": 4}), on_sqlite=3),
    *(
        refused(f"create with {query}", "POST", f"/authors?{query}", _GRACE, type="unknown_parameter")
        for query in ("sort=id", "limit=1", "name=x", "count=exact", "nonsense=1")
    ),
    refused("create with an unknown field", "POST", "/authors?fields=hashed_password", _GRACE, type="unknown_field"),
    refused("create with an unknown embed", "POST", "/authors?include=nothing", _GRACE),
    refused("create nothing with an unknown field", "POST", "/authors?fields=nothing", [], type="unknown_field"),
    refused("create on an item", "POST", "/authors/1", _GRACE, status=405,
            headers={"allow": "GET, HEAD, PATCH, PUT, DELETE"}),
    refused("create what needs something hidden", "POST", "/sealeds", {"label": "x"}, status=405,
            headers={"allow": "GET, HEAD"}),
    refused("create a taken value", "POST", "/authors", {**_GRACE, "email": "ada@example.com"}, status=409,
            loc="email", type="unique", statements=1, absent=("ada@example.com",)),
    refused("create a taken value in an array", "POST", "/authors", [_GRACE, {**_GRACE, "email": "ada@example.com"}],
            status=409, loc=(1, "email"), type="unique", statements=5, on_sqlite=8),
    refused("create one value twice in an array", "POST", "/authors", [_GRACE, {**_GRACE, "bio": "b"}], status=409,
            loc=(1, "email"), type="unique", statements=5, on_sqlite=8),
    refused("create a taken pair", "POST", "/posts", {"title": "Notes", "author_id": 1}, status=409,
            loc=["author_id", "title"], type="unique", statements=1),
    refused("create a key without a character", "POST", "/countries", {"code": "", "name": "n"}, loc="code",
            type="string_too_short"),
    refused("create a taken key", "POST", "/countries", {"code": "DE", "name": "n"}, status=409, loc="code",
            type="unique", statements=1),
    refused("create a taken composite key", "POST", "/shelves", {"room": "a,b", "label": "c"}, status=409,
            loc=["room", "label"], type="unique", statements=1),
    refused("create a reference to nothing", "POST", "/posts", {"title": "t", "author_id": 99}, loc="author_id",
            type="foreign_key", says="'authors'", statements=1, on_sqlite=2),
    refused("create a reference to nothing in an array", "POST", "/posts",
            [{"title": "t", "author_id": 1}, {"title": "u", "author_id": 99}], loc=(1, "author_id"),
            type="foreign_key", statements=5, on_sqlite=9),
    refused("create against a rule of the database", "POST", "/authors", {**_GRACE, "name": "nobody"}, type="check",
            loc="name", statements=1),
]  # fmt: skip
