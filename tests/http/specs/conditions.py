"""Operators, trees, paths, JSON and options of embeds: what is found, and what is refused."""

from urllib.parse import quote

from tests.http.specs.spec import Spec, refused, rows


def _found(name: str, query: str, *keys: int, path: str = "/samples") -> Spec:
    return Spec(name=f"condition {name}", path=f"{path}?{query}", body=rows(*keys))


def _wrong(name: str, query: str, loc: str, type: str, path: str = "/samples", **more: str) -> Spec:
    return refused(f"condition {name}", f"{path}?{query}", loc=loc, type=type, **more)  # type: ignore[arg-type]


def _nested(depth: int) -> str:
    return "not=" + "(and=" * depth + "(id=1)" + ")" * depth


SPECS = [
    _found("of a date as a moment", "moment__gte=2026-01-31&moment__lt=2026-02-01", 1),
    _found("of a date as a local moment", "local__between=2026-01-31,2026-02-01", 1),
    _found("of an Enum by several values", "color__in=red,1", 1, 2),
    _found("of a boolean, negated", "flag__ne=true", 2),
    _found("of NULL", "price__is_null=true", 3, 4),
    _found("of something", "price__is_null=false", 1, 2),
    _found("of a UUID in order", "token_id__gt=00000000-0000-0000-0000-00000000000a", 2),
    _found("of a duration in order", "span__lt=PT0S", 2),
    _found("of a repeated list", "id__in=1&id__in=3", 1, 3),
    _found("of what is in a JSON column that has nothing", "document.a__is_null=true", 1, 2, 3, 4),
    _found("of what is in JSON and is not there", "document.a.b=1"),
    _found("of 500 values", "id__in=" + ",".join(["1"] * 500), 1),
    _found("of a pattern with a backslash at its end", "text__like=%25%5C"),
    _found("of a pattern of ten wildcards", "text__like=" + "%25" * 10, 1, 2),
    _found("of text in parentheses", "text=(a)"),
    _found("of 50 conditions", "or=(" + ",".join(["id=1"] * 50) + ")", 1),
    _found("of deep parentheses", _nested(8), 2, 3, 4),
    _found("of the rows of a relation to one", "author.username__startswith=al", 5, path="/posts"),
    _found("of the rows of a relation to many", "comments.author_id__is_null=true", 5, path="/posts"),
    _found("of no rows of a relation", "comments__exists=false&sort=-id&limit=1", 4, path="/posts"),
    _found("of rows over a link", "tracks.title=two", 1, path="/playlists"),
    _found("of a row that was deleted", "papers.title=never-to-be-seen", path="/folders"),
    _found("of rows that were deleted", "papers__exists=true", 1, path="/folders"),
    Spec(
        name="condition of an embed, which leaves parents",
        path="/playlists?fields=id&include=tracks(title=two,fields=id)",
        body=[
            {"id": 1, "tracks": [{"id": 3402, "_link": {"position": 1, "added_at": None}}]},
            {"id": 2, "tracks": []},
            {"id": 3, "tracks": []},
        ],
    ),
    Spec(
        name="condition of an embed, its limit, offset and order",
        path="/accounts/1?fields=id&include=sent(sort=-amount,limit=2,offset=1,fields=id)",
        body={"id": 1, "sent": [{"id": 149}, {"id": 148}]},
    ),
    Spec(
        name="condition of an embed, without a limit",
        path="/accounts/1?fields=sent.id",
        body=lambda body: len(body["sent"]) == 100,
    ),
    Spec(
        name="condition of an embed, with a limit beyond",
        path="/accounts/1?fields=id&include=sent(limit=1000,fields=id)",
        body=lambda body: len(body["sent"]) == 150,
    ),
    Spec(
        name="condition of an embed, counted",
        path="/accounts?fields=id,sent.count,received.count",
        body=[
            {"id": 1, "sent.count": 150, "received.count": 1},
            {"id": 2, "sent.count": 1, "received.count": 150},
            {"id": 3, "sent.count": 0, "received.count": 0},
        ],
    ),
    Spec(
        name="condition of an embed, deleted rows not counted",
        path="/folders?fields=id,papers.count",
        body=[{"id": 1, "papers.count": 2}, {"id": 4, "papers.count": 0}],
    ),
    _wrong("of 501 values", "id__in=" + ",".join(["1"] * 501), "id__in", "too_many"),
    _wrong("of a pattern of eleven wildcards", "text__like=" + "%25" * 11, "text__like", "value_error"),
    _wrong("of 51 conditions", "or=(" + ",".join(["id=1"] * 51) + ")", "id", "too_many"),
    _wrong("of 17 sorts", "sort=" + ",".join(f"document.a{number}" for number in range(17)), "sort", "too_many"),
    _wrong("of too deep parentheses", _nested(10), "not", "syntax"),
    _wrong("of text of a number", "small__contains=1", "small__contains", "unknown_operator"),
    _wrong("of the order of a boolean", "flag__gt=true", "flag__gt", "unknown_operator"),
    _wrong("of the order of an Enum", "color__lt=red", "color__lt", "unknown_operator"),
    _wrong("of one value between", "small__between=1", "small__between", "value_error"),
    _wrong("of three values between", "small__between=1,2,3", "small__between", "value_error"),
    _wrong("of a flag that is a word", "small__is_null=maybe", "small__is_null", "value_error"),
    _wrong("of one wrong value of several", "small__in=1,x", "small__in", "value_error"),
    _wrong("of a value out of range of several", "small__in=1,40000", "small__in", "out_of_range"),
    _wrong("of a quote out of place", "text__in=" + quote('a"b'), "text__in", "syntax"),
    _wrong(
        "of nine names in JSON", "document." + ".".join("abcdefghi") + "=1", "document.a.b.c.d.e.f.g.h.i", "too_deep"
    ),
    _wrong("of a number in JSON with a sign", "document.-1=x", "document.-1", "unknown_field"),
    _wrong("of an empty name in JSON", "document.=x", "document.", "unknown_field"),
    _wrong("inside of what is not JSON", "text.a=x", "text.a", "unknown_parameter"),
    _wrong("of a sort by JSON itself", "sort=document", "sort", "not_sortable"),
    _wrong(
        "of a path that is too long",
        "author.posts.author.posts.id=1",
        "author.posts.author.posts.id",
        "too_deep",
        "/posts",
    ),
    _wrong(
        "of parentheses that are too long",
        "author=(posts=(author=(posts__exists=true)))",
        "posts__exists",
        "too_deep",
        "/posts",
    ),
    _wrong("of an embed with too many", "include=comments(limit=1001)", "limit", "value_error", "/posts"),
    _wrong("of an embed to one", "include=author(limit=1)", "author", "unknown_parameter", "/posts"),
    _wrong("of an embed by no column", "include=comments(nothing=1)", "nothing", "unknown_field", "/posts"),
]
