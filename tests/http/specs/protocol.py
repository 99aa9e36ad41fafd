"""HTTP itself: conditions, methods, negotiation, and bytes that cannot be read."""

from tests.http.specs.spec import Spec, missing, refused

_SHARED = '"0123456789abcdef0123456789abcdef"'


def _accepts(name: str, accept: str) -> Spec:
    return Spec(name=f"Accept {name}", path="/users/1", send={"accept": accept})


def _not_acceptable(name: str, accept: str) -> Spec:
    return refused(
        f"Accept {name}", "/users/1", status=406, send={"accept": accept}, hint="Send 'Accept: application/json'."
    )


def _not_allowed(method: str, path: str) -> Spec:
    return refused(f"{method} {path}", path, method=method, status=405, headers={"allow": "GET, HEAD"})


SPECS = [
    Spec(name="If-None-Match of another answer", path="/users/1", send={"if-none-match": _SHARED}),
    Spec(name="If-None-Match that cannot be read", path="/users/1", send={"if-none-match": "nonsense, \x00\xff"}),
    Spec(name="If-None-Match that is empty", path="/users/1", send={"if-none-match": ""}),
    Spec(
        name="If-None-Match of anything",
        path="/users/1",
        status=304,
        send={"if-none-match": "*"},
        headers={"content-type": None, "content-length": None},
    ),
    Spec(
        name="If-None-Match of any list",
        path="/users?limit=1",
        status=304,
        send={"if-none-match": " * "},
        headers={"content-type": None, "link": '</users?limit=1>; rel="first", </users?limit=1&after=…>; rel="next"'},
    ),
    missing("If-None-Match of what does not exist", "/users/99", send={"if-none-match": "*"}),
    refused("If-None-Match of what is refused", "/users?x=1", send={"if-none-match": "*"}, type="unknown_parameter"),
    Spec(name="Range is not for JSON", path="/users/1", send={"range": "bytes=0-1"}, headers={"content-range": None}),
    _accepts("of anything", "*/*"),
    _accepts("of JSON", "application/json"),
    _accepts("of any application", "application/*"),
    _accepts("in capitals", "Application/JSON"),
    _accepts("with parameters", "application/json; charset=utf-8"),
    _accepts("of a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
    _accepts("of JSON among others", "text/csv;q=0.9, application/json;q=0.1"),
    _accepts("of JSON, after nothing else", "*/*;q=0, application/json"),
    _accepts("that is empty", ""),
    _accepts("over two headers", "text/html\napplication/json"),
    _accepts("over two headers, the first of which is enough", "application/json\ntext/html"),
    _accepts("with a weight of three digits", "application/json;q=0.001"),
    _not_acceptable("of HTML", "text/html"),
    _not_acceptable("of XML or CSV", "application/xml, text/csv"),
    _not_acceptable("of anything but JSON", "*/*, application/json;q=0"),
    _not_acceptable("of no JSON", "application/json;q=0"),
    _not_acceptable("of no JSON, with zeros", "application/json;q=0.000"),
    _not_acceptable("of nothing", "*/*;q=0"),
    _not_acceptable("of nothing, in capitals", "*/*;Q=0"),
    _not_acceptable("of HTML over two headers", "text/html\ntext/plain"),
    _not_acceptable("with a weight that is no number", "application/json;q=high"),
    _not_acceptable("of another JSON", "application/vnd.api+json"),
    *(
        _not_allowed(method, "/users")
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get")
    ),
    *(_not_allowed("DELETE", path) for path in ("/users/1", "/users/1/posts", "/posts/1/author", "/livez", "/readyz")),
    _not_allowed("POST", "/users/99?nonsense=1"),
    *(
        refused(f"{name} in {where}", path.format(text), status=400)
        for name, text in (
            ("invalid UTF-8", "%ff"),
            ("half a character", "%C3"),
            ("a surrogate", "%ED%A0%80"),
            ("an overlong slash", "%C0%AF"),
            ("half an escape", "%4"),
            ("no escape", "%zz"),
            ("a bare percent sign", "%"),
        )
        for where, path in (
            ("a value", "/users?username={}"),
            ("a name", "/users?{}=1"),
            ("sort", "/users?sort={}"),
            ("an unknown parameter's value", "/users?nonsense={}"),
            ("a key", "/users/{}"),
            ("a text key", "/countries/{}"),
            ("a key of a relation", "/users/{}/posts"),
            ("a composite key", "/playlist_track/1,{}"),
        )
    ),
    refused("NUL in a text key", "/countries/%00", type="nul", loc="code"),
    refused("NUL in a number", "/users/1%00", type="nul", loc="id"),
    refused("NUL in a key of a relation", "/countries/D%00E/cities", type="nul", loc="code"),
    refused("NUL in a composite key", "/playlist_track/1,%002", type="nul", loc="key"),
    refused("key of the wrong type", "/users/ada", loc="id", type="value_error"),
    refused("key with a fraction", "/users/1.0", loc="id", type="value_error"),
    refused("key with an exponent", "/users/1e0", loc="id", type="value_error"),
    refused("key with a plus sign", "/users/+1", loc="id", type="value_error"),
    refused("key with a space", "/users/1%20", loc="id", type="value_error"),
    refused("key that is grouped", "/users/1_0", loc="id", type="value_error"),
    refused("key in other digits", "/users/%D9%A1", loc="id", type="value_error"),
    refused("key of 5,000 digits", "/users/" + "1" * 5000, loc="id", type="value_error"),
    refused("key with a slash, where it is a number", "/users/1%2Fposts", loc="id", type="value_error"),
    refused("composite key with one part", "/playlist_track/1", loc="key", type="key_parts"),
    refused("composite key with three parts", "/playlist_track/1,2,3", loc="key", type="key_parts"),
    refused("composite key with empty parts", "/playlist_track/,", loc=("playlist_id", "track_id"), type="value_error"),
    refused("composite key with a part of the wrong type", "/playlist_track/1,x", loc="track_id", type="value_error"),
    refused("composite key with an open quote", "/playlist_track/%221,2", loc="key", type="syntax"),
    refused("composite key with a quote inside", "/playlist_track/1%22,2", loc="key", type="syntax"),
    refused("composite key with text after a quote", "/shelves/%22a%22b,c", loc="key", type="syntax"),
    refused("composite key of quotes", "/shelves/" + "%22" * 999, loc="key", type="syntax"),
    refused("query of 64 KB in one value", "/users?username=" + "x" * 65_536, status=414),
    refused("query of 64 KB in 16,000 parameters", "/users?" + "&".join(["a=1"] * 16_384), status=414),
    refused("query of 64 KB of ampersands", "/users?" + "&" * 65_536, status=414),
    refused("query of 16 KB in 4,000 parameters", "/users?" + "&".join(["a=1"] * 4_000), type="repeated"),
    refused(
        "query of 16 KB in unknown parameters",
        "/users?" + "&".join(f"a{number}=" for number in range(2_000)),
        type="unknown_parameter",
    ),
    refused("query of 16 KB in one name", "/users?" + "x" * 16_000 + "=1", type="unknown_parameter"),
    refused("query of 16 KB in sort", "/users?sort=" + ",".join(["id"] * 5_000), type="repeated"),
    refused(
        "query of 16 KB in fields",
        "/users?fields=" + ",".join(f"f{number}" for number in range(2_500)),
        type="unknown_field",
    ),
    Spec(name="query of 16 KB in values that fit", path="/users?username__in=" + ",".join(["x" * 4_000] * 4), body=[]),
    Spec(name="query of ampersands", path="/users?&&&", body=lambda rows: len(rows) == 2),
    Spec(
        name="query that is empty",
        path="/users?",
        body=lambda rows: len(rows) == 2,
        headers={"link": '</users>; rel="first"'},
    ),
]
