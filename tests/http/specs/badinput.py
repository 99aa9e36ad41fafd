"""Bodies that are wrong: refused before the database is asked, with nothing stored, and nothing told that is secret."""

import json
from typing import Any

from tests.http.specs.change import NOTHING, Change, has, refused

_GRACE = {"email": "grace@example.com", "name": "Grace"}
_RAW = b'{"email": "g", "name": "n"}'
_PASSWORD = "hunter2-hunter2"

_NOT_AN_OBJECT: list[tuple[str, Any]] = [("null", None), ("a number", 5), ("text", "text"), ("true", True)]

_BYTES: list[tuple[str, bytes, int]] = [
    ("no body", b"", 422),
    ("white space", b" \r\n\t", 422),
    ("no JSON", b"name=Ada", 422),
    ("half a JSON", b'{"email": "g", "name"', 422),
    ("two JSONs", _RAW + _RAW, 422),
    ("single quotes", b"{'email': 'g'}", 422),
    ("a comma at the end", b'{"email": "g", "name": "n",}', 422),
    ("a comment", b'{"email": "g", "name": "n"} // n', 422),
    ("a control character", b'{"email": "g", "name": "\n"}', 422),
    ("NUL as an escape", rb'{"email": "g\u0000", "name": "n"}', 422),
    ("NUL in a key", rb'{"email": "g", "name\u0000": "n"}', 422),
    ("a lone surrogate", rb'{"email": "\ud800", "name": "n"}', 422),
    ("half a pair the wrong way", rb'{"email": "\udc00\ud800", "name": "n"}', 422),
    ("NaN", b'{"email": "g", "name": NaN}', 422),
    ("Infinity", b'{"email": "g", "name": -Infinity}', 422),
    ("a key twice", b'{"email": "g", "email": "h", "name": "n"}', 422),
    ("a key twice by an escape", rb'{"email": "g", "emai\u006c": "h", "name": "n"}', 422),
    ("not UTF-8", b'{"email": "\xff", "name": "n"}', 400),
    ("a surrogate in UTF-8", b'{"email": "\xed\xa0\x80", "name": "n"}', 400),
    ("UTF-16", _RAW.decode().encode("utf-16"), 400),
    ("UTF-16 without a mark", _RAW.decode().encode("utf-16-le"), 400),
    ("UTF-32", _RAW.decode().encode("utf-32"), 400),
    ("a byte order mark", b"\xef\xbb\xbf" + _RAW, 400),
    ("5,000 arrays", b'{"email": "g", "name": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
    ("100,000 open arrays", b"[" * 100_000, 400),
    ("100,000 open objects", b'{"a":' * 100_000, 400),
    ("65 objects", b'{"name":' * 65 + b"1" + b"}" * 65, 400),
    ("an integer of 5,000 digits", b'{"email": "g", "name": ' + b"9" * 5_000 + b"}", 422),
]

_SIZES = [
    refused("more than a megabyte", "POST", "/authors", b'{"email": "' + b"x" * 2**20 + b'"}', status=413),
    refused("more than a megabyte by its length", "POST", "/authors", _RAW, send={"content-length": "1048577"},
            status=413),
    refused("a length of 5,000 digits", "POST", "/authors", _RAW, send={"content-length": "9" * 5_000}, status=413),
    refused("1,001 rows", "POST", "/nodes", [{"name": "n"}] * 1_001, says="1000 rows", type="too_many"),
    Change(name="1,000 rows", method="POST", path="/nodes?fields=id", sent=[{"name": "n"}] * 1_000, status=201,
           body=lambda body: len(body) == 1_000, after=lambda stored: len(stored["node"]) == 1_002, on_sqlite=52),
    refused("1,000 unknown keys", "POST", "/authors", {**_GRACE, **{f"k{n}": 1 for n in range(1_000)}},
            type="unknown_field",
            absent=("k999",)),
    refused("a key of 100 KB", "POST", "/authors", {**_GRACE, "k" * 100_000: 1}, type="unknown_field",
            absent=("k" * 5_000,)),
]  # fmt: skip

_TYPES = [
    refused(f"{method} with Content-Type {shown}", method, path, _RAW, send={"content-type": type_}, status=415)
    for shown, type_ in (
        ("of a form", "application/x-www-form-urlencoded"), ("of text", "text/plain"), ("of JSON as text", "text/json"),
        ("of nothing", ""), ("of two", "application/json\ntext/plain"),
         ("in Latin-1", "application/json; charset=latin-1"),
        ("of a JSON patch", "application/json-patch+json"), ("of several parts", "multipart/form-data; boundary=x"),
    )
    for method, path in (("POST", "/authors"), ("PATCH", "/authors/1"), ("PUT", "/authors/1"))
] + [
    refused("a compressed body", "POST", "/authors", _RAW, send={"content-encoding": "gzip"}, status=415),
    refused("a merge patch of nothing that is there", "POST", "/authors", _RAW,
            send={"content-type": "application/merge-patch+json"}, status=415,
            headers={"accept-post": "application/json"}),
    refused("a form to change", "PATCH", "/authors/1", b"bio=x",
            send={"content-type": "application/x-www-form-urlencoded"},
            status=415, headers={"accept-patch": "application/json, application/merge-patch+json"}),
    *(
        refused(f"{method} for Accept of HTML", method, path, sent, send={"accept": "text/html"}, status=406)
        for method, path, sent in (
            ("POST", "/authors", _GRACE), ("PATCH", "/authors/1", {"bio": "b"}), ("PUT", "/authors/1", _GRACE),
            ("DELETE", "/nodes/2", NOTHING),
        )
    ),
]  # fmt: skip


def _wrong(name: str, column: str, value: Any, path: str = "/samples") -> list[Change]:
    """The same wrong value in POST, PATCH, PUT and an array; raw JSON is given as bytes."""
    item = value if isinstance(value, bytes) else json.dumps(value).encode()
    one = b'{"%s": %s}' % (column.encode(), item)
    where = {"loc": column}
    return [
        refused(f"POST {name}", "POST", path, one, **where),
        refused(f"PATCH {name}", "PATCH", f"{path}/1", one, **where),
        refused(f"PUT {name}", "PUT", f"{path}/1", one, **where),
        refused(f"POST an array with {name}", "POST", path, b'[{"whole": 1}, %s]' % one, loc=(1, column)),
    ]


_VALUES = [
    *_wrong("text for an integer", "whole", "12"),
    *_wrong("true for an integer", "whole", True),
    *_wrong("a fraction for an integer", "whole", 1.5),
    *_wrong("int32 plus one", "whole", 2**31),
    *_wrong("int16 plus one", "small", 2**15),
    *_wrong("int64 plus one", "big", 2**63),
    *_wrong("int64 minus one", "big", -(2**63) - 1),
    *_wrong("10 to the 400", "whole", 10**400),
    *_wrong("1e400", "ratio", b"1e400"),
    *_wrong("1e400 for a decimal", "price", b"1e400"),
    *_wrong("NaN as text", "ratio", "nan"),
    *_wrong("Infinity as text", "price", "Infinity"),
    *_wrong("a decimal with a huge exponent", "price", "1e1000000"),
    *_wrong("a decimal with 100,000 digits", "price", "1" * 100_000),
    *_wrong("a decimal with too many digits", "price", "1234.5"),
    *_wrong("a decimal with too many places", "price", "1.234"),
    *_wrong("text that is too long", "code", "abcd"),
    *_wrong("a number for text", "text", 5),
    *_wrong("an object for text", "text", {"a": 1}),
    *_wrong("text for a boolean", "flag", "true"),
    *_wrong("1 for a boolean", "flag", 1),
    *_wrong("the year 10000", "day", "10000-01-01"),
    *_wrong("a day that does not exist", "day", "2026-02-30"),
    *_wrong("a number for a day", "day", 0),
    *_wrong("a moment without offset", "moment", "2026-01-01T00:00:00"),
    *_wrong("a moment after the year 9999", "moment", "9999-12-31T23:59:59-14:00"),
    *_wrong("a moment before the year 1", "moment", "0001-01-01T00:00:00+14:00"),
    *_wrong("a local moment with an offset", "local", "2026-01-01T00:00:00Z"),
    *_wrong("no member of an Enum", "kind", "neither"),
    *_wrong("the name of a member of an Enum", "kind", "PLAIN"),
    *_wrong("null for what is never NULL", "kind", None),
    *_wrong("null for a number that is never NULL", "level", None),
    *_wrong("null for a generated UUID", "ticket", None),
    *_wrong("no UUID", "ticket", "no-uuid"),
    *_wrong("a computed column", "twice", 4),
    *_wrong("a generated key", "id", 77),
    *_wrong("an unknown key", "wohle", 4),
]

_RULES = [
    refused("unknown key with a near name", "POST", "/authors", {**_GRACE, "boi": "b"}, loc="boi",
            hint="Did you mean 'bio'?",
            type="unknown_field"),
    *(
        refused(f"{key} that a client may not set, to {method}", method, path, {**sent, key: value}, loc=key,
                type="unknown_field", absent=(_PASSWORD,))
        for key, value in (
            ("hashed_password", _PASSWORD), ("id", 77), ("posts", [{"title": "t"}]), ("__class__", "x"),
             ("metadata", {}),
            ("Name", "x"), ("hashed_Password", _PASSWORD), ("author.name", "x"), ("", "x"), ("role ", "writer"),
        )
        for method, path, sent in (
            ("POST", "/authors", _GRACE), ("PATCH", "/authors/1", {}), ("PUT", "/authors/1", _GRACE)
        )
    ),
    refused("an excluded column", "PATCH", "/posts/1", {"internal_note": "x"}, loc="internal_note",
            type="unknown_field"),
    refused("a relation as an object", "POST", "/posts", {"title": "t", "author_id": 1, "author": {"id": 1}},
            loc="author"),
    refused("a column by its attribute, where it has an alias", "PATCH", "/badges/1", {"given": "x"}, loc="given"),
    *(
        Change(name=f"{key} is hidden as much as what does not exist", method="PATCH", path="/authors/1", sent={key: 1},
               status=422, body=lambda body: body["errors"][0]["type"] == "unknown_field", statements=0)
        for key in ("hashed_password ", "hashed_passwort")
    ),
    refused("500 characters into 200", "POST", "/authors", {**_GRACE, "name": "x" * 500}, loc="name",
            absent=("x" * 50,)),
    refused("500 characters into 200 by its own rule", "POST", "/posts", {"title": "x" * 500, "author_id": 1},
            loc="title"),
    refused("no character where one is needed", "PATCH", "/posts/1", {"title": ""}, loc="title"),
    refused("a number under its least", "PATCH", "/posts/1", {"views": -1}, loc="views"),
    refused("what a validator refuses", "PATCH", "/authors/1", {"role": "admin"}, loc="role", says="is no role here"),
    refused("null in a foreign key that is never NULL", "PATCH", "/posts/1", {"author_id": None}, loc="author_id"),
    refused("an array with one bad row", "POST", "/authors", [_GRACE, {"email": "h"}, {**_GRACE, "email": 5}],
            loc=[(1, "name"), (2, "email")]),
    refused("an array of anything", "POST", "/authors", [_GRACE, None, 5, "x", [], {}],
            loc=[(1,), (2,), (3,), (4,), (5, "email"), (5, "name")]),
    refused("an array of arrays", "POST", "/authors", [[_GRACE]], loc=(0,)),
    refused("an array to change one", "PATCH", "/authors/1", [{"bio": "b"}]),
    refused("JSON with NUL", "POST", "/samples", rb'{"document": {"a": ["\u0000"]}}'),
    refused("JSON with NUL in a key", "POST", "/samples", rb'{"document": {"a\u0000": 1}}'),
    refused("JSON with a lone surrogate", "POST", "/samples", rb'{"document": ["\udfff"]}'),
    refused("JSON with NaN", "POST", "/samples", b'{"document": {"a": NaN}}'),
    refused("JSON with 1e999", "POST", "/samples", b'{"document": {"a": 1e999}}'),
    refused("JSON with a key twice", "POST", "/samples", b'{"document": {"a": 1, "a": 2}}'),
    Change(name="a body with DELETE", method="DELETE", path="/nodes/2", sent=b'{"nonsense', status=204,
           after=lambda stored: len(stored["node"]) == 1),
    Change(name="SQL as a value", method="PATCH", path="/authors/1?fields=bio",
           sent={"bio": "'; DROP TABLE author; --"},
           body={"bio": "'; DROP TABLE author; --"}, after=has("author", {"id": 1}, bio="'; DROP TABLE author; --")),
    Change(name="braces and percent signs as a value", method="PATCH", path="/authors/1?fields=bio",
           sent={"bio": "%s %(x)s {0} $1 :a ? \\ \x1e \x7f"}, body={"bio": "%s %(x)s {0} $1 :a ? \\ \x1e \x7f"},
           after=has("author", {"id": 1}, bio="%s %(x)s {0} $1 :a ? \\ \x1e \x7f")),
]  # fmt: skip

SPECS = [
    *(
        refused(f"{method} of {name}", method, path, raw, status=status)
        for name, raw, status in _BYTES
        for method, path in (("POST", "/authors"), ("PATCH", "/authors/1"), ("PUT", "/authors/1"))
    ),
    *(
        refused(f"{method} of JSON that is {name}", method, path, value)
        for name, value in _NOT_AN_OBJECT
        for method, path in (("POST", "/authors"), ("PATCH", "/authors/1"), ("PUT", "/authors/1"))
    ),
    refused("POST of {}", "POST", "/authors", {}, loc=["email", "name"], type="missing"),
    *_SIZES,
    *_TYPES,
    *_VALUES,
    *_RULES,
]
