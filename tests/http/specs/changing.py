"""PATCH, PUT and DELETE: what is changed, what is not, and on which condition."""

from typing import Any

from tests.http.specs.change import NOTHING, Change, gone, has, refused
from tests.http.writing import SECRET

_ADA = {"id": 1, "email": "ada@example.com", "name": "Ada", "bio": "wrote the first program", "role": "reader"}
_MERGE = {"content-type": "application/merge-patch+json"}
_ITEM = {"allow": "GET, HEAD, PATCH, PUT, DELETE"}


def _patched(name: str, path: str, sent: Any, body: Any, **more: Any) -> Change:
    return Change(name=name, method="PATCH", path=path, sent=sent, body=body, **more)


def _put(name: str, path: str, sent: Any, body: Any, **more: Any) -> Change:
    return Change(name=name, method="PUT", path=path, sent=sent, body=body, **more)


def _deleted(name: str, path: str, **more: Any) -> Change:
    return Change(name=name, method="DELETE", path=path, status=204, **more)


def _missing(name: str, method: str, path: str, sent: Any = NOTHING, statements: int = 1, **more: Any) -> Change:
    return refused(name, method, path, sent, status=404, statements=statements, **more)


def _titled(*matches: str) -> Any:
    return {"if-match": "\n".join(matches)}


_PATCH = [
    _patched("change one column", "/authors/1", {"bio": "b"}, {**_ADA, "bio": "b"},
             after=has("author", {"id": 1}, bio="b", name="Ada", hashed_password=SECRET)),
    _patched("change to null", "/authors/1", {"bio": None}, {**_ADA, "bio": None}, after=has("author",
             {"id": 1}, bio=None)),
    _patched("change as a merge patch", "/authors/1", {"bio": None}, {**_ADA, "bio": None}, send=_MERGE,
             after=has("author", {"id": 1}, bio=None, name="Ada")),
    _patched("change nothing", "/authors/1", {}, _ADA),
    _patched("change nothing, with an embed", "/posts/1?include=author&fields=id", {}, {"id": 1, "author": _ADA}),
    _patched("change some fields", "/authors/1?fields=bio", {"name": "x"}, {"bio": _ADA["bio"]},
             after=has("author", {"id": 1}, name="x")),
    _patched("change with an embed", "/posts/1?include=author&fields=title", {"title": "x"},
             {"title": "x", "author": _ADA}, after=has("post", {"id": 1}, title="x", views=10), on_sqlite=4),
    _patched("change with another parent", "/posts/1?fields=author.name", {"author_id": 2},
             {"author": {"name": "Alan"}}, after=has("post", {"id": 1}, author_id=2), on_sqlite=4),
    _patched("change with an embed that leads back", "/nodes/2?fields=name,parent.children.name", {"name": "x"},
             {"name": "x", "parent": {"children": [{"name": "x"}]}}, after=has("node", {"id": 2}, name="x"),
             statements=4),
    _patched("change into a parent of itself", "/nodes/1?fields=parent.id,children.id", {"parent_id": 1},
             {"parent": {"id": 1}, "children": [{"id": 1}, {"id": 2}]}, after=has("node", {"id": 1}, parent_id=1),
             statements=4),
    _patched("change with an unknown embed of nothing", "/authors/1", {"role": "reader"}, _ADA, after=None),
    _patched("change what Python writes", "/badges/1", {"family": "L"},
             {"id": 1, "givenName": "Ada", "family": "L", "whole": "Ada L"}, after=has("badge", {"id": 1}, family="L")),
    _patched("change by an alias", "/badges/1?fields=givenName", {"givenName": "A"}, {"givenName": "A"},
             after=has("badge", {"id": 1}, given="A")),
    _patched("change by a key with a slash", "/countries/a%2Fb", {"name": "x"}, {"code": "a/b", "name": "x"},
             after=has("country", {"code": "a/b"}, name="x")),
    _patched("change by a composite key", "/shelves/%22a,b%22,c", {"note": "x"},
             {"room": "a,b", "label": "c", "note": "x"},
             after=has("shelf", {"room": "a,b"}, note="x")),
    _patched("change what is computed along", "/samples/1?fields=twice", {"whole": 4}, {"twice": 8},
             after=has("sample", {"id": 1}, twice=8)),
    _missing("change what does not exist", "PATCH", "/authors/99", {"bio": "b"}),
    _missing("change nothing of what does not exist", "PATCH", "/authors/99", {}),
    _missing("change what no number can be", "PATCH", "/authors/" + "9" * 30, {"bio": "b"}, statements=0),
    refused("change by a key of the wrong type", "PATCH", "/authors/ada", {"bio": "b"}, loc="id"),
    refused("change with an unknown field", "PATCH", "/authors/1?fields=nothing", {"bio": "b"}, type="unknown_field"),
    refused("change with a filter", "PATCH", "/authors/1?name=Ada", {"bio": "b"}, type="unknown_parameter"),
    refused("change nothing with a filter", "PATCH", "/authors/1?name=Ada", {}, type="unknown_parameter"),
    refused("change to a taken value", "PATCH", "/authors/1", {"email": "alan@example.com"}, status=409, loc="email",
            type="unique", statements=1, absent=("alan@example.com",)),
    refused("change to a reference to nothing", "PATCH", "/posts/1", {"author_id": 99}, loc="author_id",
            type="foreign_key", statements=1, on_sqlite=2),
    refused("change against a rule of the database", "PATCH", "/authors/1", {"name": "nobody"}, type="check",
            loc="name", statements=1),
    refused("change the key", "PATCH", "/authors/1", {"id": 7}, loc="id", type="unknown_field"),
    refused("change a key that the client made", "PATCH", "/countries/DE", {"code": "FR"}, loc="code",
            type="unknown_field"),
    refused("change a collection", "PATCH", "/authors", {"bio": "b"}, status=405, headers={"allow": "GET, HEAD, POST"}),
    refused("change a relation", "PATCH", "/authors/1/posts", {"title": "b"}, status=405),
]  # fmt: skip

_PUT = [
    _put("replace", "/authors/1", {"email": "e", "name": "n"},
         {"id": 1, "email": "e", "name": "n", "bio": None, "role": "reader"},
         after=has("author", {"id": 1}, email="e", bio=None, hashed_password=SECRET)),
    _put("replace with defaults", "/posts/1", {"title": "t", "author_id": 2},
         {"id": 1, "title": "t", "content": "", "views": 0, "published": True, "author_id": 2},
         after=has("post", {"id": 1}, content="", views=0, internal_note=SECRET)),
    _put("replace with an embed", "/posts/1?fields=author.name", {"title": "t", "author_id": 2},
         {"author": {"name": "Alan"}}, after=has("post", {"id": 1}, author_id=2), on_sqlite=4),
    _put("replace by a composite key", "/shelves/%22%22%22%22,%0A", {}, {"room": '"', "label": "\n", "note": None},
         after=has("shelf", {"room": '"'}, note=None)),
    _put("replace a version", "/pages/2?fields=version,body", {"title": "t"}, {"version": 42, "body": ""},
         headers={"etag": '"42"'}, after=has("page", {"id": 2}, version=42)),
    _put("replace what Python writes", "/badges/1?fields=whole", {"givenName": "G"}, {"whole": "G"},
         after=has("badge", {"id": 1}, family="")),
    _missing("replace what does not exist", "PUT", "/authors/99", {"email": "e", "name": "n"}),
    _missing("replace what the client could make", "PUT", "/countries/FR", {"name": "n"}),
    refused("replace without what is required", "PUT", "/authors/1", {"name": "n"}, loc="email", type="missing"),
    refused("replace with nothing", "PUT", "/authors/1", {}, loc=["email", "name"], type="missing"),
    refused("replace the key", "PUT", "/authors/1", {"id": 2, "email": "e", "name": "n"}, loc="id",
            type="unknown_field"),
    refused("replace with an array", "PUT", "/authors/1", [{"email": "e", "name": "n"}]),
    refused("replace as a merge patch", "PUT", "/authors/1", {"email": "e", "name": "n"}, send=_MERGE, status=415),
    refused("replace with a taken value", "PUT", "/authors/1", {"email": "alan@example.com", "name": "n"}, status=409,
            loc="email", type="unique", statements=1),
    refused("replace a collection", "PUT", "/authors", {"email": "e", "name": "n"}, status=405,
            headers={"allow": "GET, HEAD, POST"}),
]  # fmt: skip

_DELETE = [
    _deleted("delete", "/nodes/2", after=gone("node", id=2)),
    _deleted("delete with what cascades", "/posts/1",
             after=lambda stored: not stored["comment"] and len(stored["post"]) == 1),
    _deleted("delete what others refer to with NULL", "/authors/3", after=gone("author", id=3)),
    _deleted("delete by a key with a slash", "/countries/a%2Fb", after=gone("country", code="a/b")),
    _deleted("delete by a composite key", "/shelves/%22a,b%22,c", after=gone("shelf", room="a,b")),
    _deleted("delete what Python writes", "/badges/1", after=gone("badge", id=1)),
    _missing("delete what does not exist", "DELETE", "/authors/99"),
    _missing("delete what no number can be", "DELETE", "/authors/" + "9" * 30, statements=0),
    refused("delete a parent with children", "DELETE", "/authors/1", status=409, loc=(), says="'posts'",
            hint="'author_id'", type="foreign_key", statements=1, on_sqlite=2),
    refused("delete a parent of its own table", "DELETE", "/nodes/1", status=409, says="'nodes'", hint="'parent_id'",
            type="foreign_key", statements=1, on_sqlite=2),
    refused("delete and show fields", "DELETE", "/nodes/2?fields=id"),
    refused("delete and show an embed", "DELETE", "/nodes/2?include=parent"),
    refused("delete with a filter", "DELETE", "/nodes/2?name=leaf", type="unknown_parameter"),
    refused("delete by a key of the wrong type", "DELETE", "/nodes/x", loc="id"),
    refused("delete a collection", "DELETE", "/authors", status=405, headers={"allow": "GET, HEAD, POST"}),
    refused("delete a relation", "DELETE", "/posts/1/author", status=405),
]  # fmt: skip

_CONDITIONS = [
    _patched("If-Match of the version", "/pages/2?fields=version", {"body": "b"}, {"version": 42}, send=_titled('"41"'),
             headers={"etag": '"42"'}, after=has("page", {"id": 2}, version=42, body="b")),
    _patched("If-Match of anything", "/pages/2?fields=version", {"body": "b"}, {"version": 42}, send=_titled("*"),
             after=has("page", {"id": 2}, version=42)),
    _patched("If-Match in a list", "/pages/2?fields=version", {"body": "b"}, {"version": 42},
             send=_titled('"7", "41"'), statements=2, after=has("page", {"id": 2}, version=42)),
    _patched("If-Match over two headers", "/pages/2?fields=version", {"body": "b"}, {"version": 42},
             send=_titled('"7"', '"41"'), statements=2, after=has("page", {"id": 2}, version=42)),
    _patched("If-Match with nothing to change", "/pages/2?fields=version", {}, {"version": 41}, send=_titled('"41"')),
    _patched("no If-Match", "/pages/2?fields=version", {"body": "b"}, {"version": 42},
             after=has("page", {"id": 2}, version=42)),
    _put("If-Match of a replacement", "/pages/2?fields=version", {"title": "t"}, {"version": 42}, send=_titled('"41"'),
         after=has("page", {"id": 2}, title="t")),
    _deleted("If-Match of a deletion", "/pages/2", send=_titled('"41"'), after=gone("page", id=2)),
    _deleted("If-Match of anything in a deletion", "/ledgers/1", send=_titled("*"), after=gone("ledger", id=1)),
    *(
        refused(f"{name} in {method}{' of nothing' if sent == {} else ''}", method, "/pages/2", sent, status=412,
                send=_titled(tag),
                statements=statements if sent != {} else 1, hint="Read it again")
        for name, tag, statements in (
            ("If-Match of another version", '"40"', 2), ("weak If-Match", 'W/"41"', 1),
             ("If-Match of no number", '"x"', 1),
            ("If-Match that cannot be read", "41", 1), ("If-Match of a number that is too large", f'"{2**70}"', 1),
            ("If-Match with a sign", '"+41"', 1), ("empty If-Match", "", 1),
        )
        for method, sent in (("PATCH", {"body": "b"}), ("PATCH", {}), ("PUT", {"title": "t"}), ("DELETE", NOTHING))
        if (method, sent) != ("PATCH", {}) or name == "If-Match of another version"
    ),
    _missing("If-Match of what does not exist", "PATCH", "/pages/99", {"body": "b"}, send=_titled('"1"'), statements=2),
    _missing("If-Match of anything where there is nothing", "PATCH", "/pages/99", {"body": "b"}, send=_titled("*")),
    refused("a wrong parameter before a wrong version", "PATCH", "/pages/2?include=nobody", {"body": "b"}, status=422,
            send=_titled('"x"')),
    refused("If-Match where nothing counts", "PATCH", "/authors/1", {"bio": "b"}, status=412, send=_titled('"1"'),
            hint="leave it out", statements=1),
    refused("no If-Match where it is required", "PATCH", "/ledgers/1", {"amount": 1}, status=428, hint="ETag"),
    refused("no If-Match where it is required, to replace", "PUT", "/ledgers/1", {}, status=428),
    refused("no If-Match where it is required, to delete", "DELETE", "/ledgers/1", status=428),
    _patched("If-Match where it is required", "/ledgers/1", {"amount": 6}, {"id": 1, "amount": 6, "version": 2},
             send=_titled('"1"'), after=has("ledger", {"id": 1}, amount=6)),
    refused("change a version", "PATCH", "/pages/1", {"version": 7}, loc="version", type="unknown_field"),
    refused("choose a version", "POST", "/pages", {"title": "t", "version": 7}, loc="version", type="unknown_field"),
    refused("choose a moment of creation", "POST", "/pages", {"title": "t", "created_at": "2026-01-01T00:00:00Z"},
            loc="created_at", type="unknown_field"),
]  # fmt: skip

SPECS = [*_PATCH, *_PUT, *_DELETE, *_CONDITIONS]
