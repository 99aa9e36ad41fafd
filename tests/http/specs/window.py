"""`limit`, `offset`, `sort` and the links between pages."""

from tests.http.specs.spec import Spec, refused, rows

_PAGES = '</transfers>; rel="first", </transfers?after=…>; rel="next"'


def _links(path: str, name: str, *links: str) -> Spec:
    """Links are written as `relation target`."""
    written = ", ".join(f'<{link.partition(" ")[2]}>; rel="{link.partition(" ")[0]}"' for link in links)
    return Spec(name=f"links {name}", path=path, headers={"link": written})


def _sorted(name: str, sort: str, *keys: object, path: str = "/posts") -> Spec:
    return Spec(name=f"sort {name}", path=f"{path}?sort={sort}", body=rows(*keys))


SPECS = [
    Spec(name="limit is 50 when not given", path="/transfers", body=rows(*range(1, 51)), headers={"link": _PAGES}),
    Spec(name="limit", path="/transfers?limit=3", body=rows(1, 2, 3)),
    Spec(
        name="limit of everything",
        path="/transfers?limit=1000",
        body=lambda body: len(body) == 151,
        headers={"link": '</transfers?limit=1000>; rel="first"'},
    ),
    Spec(
        name="limit exactly the number of rows",
        path="/users?limit=2",
        body=rows(1, 2),
        headers={"link": '</users?limit=2>; rel="first"'},
    ),
    Spec(
        name="limit=0 is an empty list",
        path="/transfers?limit=0",
        body=[],
        headers={"link": '</transfers?limit=0>; rel="first"'},
    ),
    Spec(name="limit with leading zeros", path="/transfers?limit=002", body=rows(1, 2)),
    Spec(name="offset", path="/transfers?offset=149", body=rows(150, 151)),
    Spec(name="offset past the end", path="/transfers?offset=151", body=[]),
    Spec(name="limit and offset of a relation", path="/accounts/1/sent?limit=2&offset=148", body=rows(149, 150)),
    Spec(name="limit=0 of a relation", path="/accounts/1/sent?limit=0", body=[]),
    _links("/transfers?limit=50", "of the first page", "first /transfers?limit=50", "next /transfers?limit=50&after=…"),
    _links(
        "/transfers?limit=50&offset=50",
        "of a page between",
        "first /transfers?limit=50",
        "prev /transfers?limit=50",
        "next /transfers?limit=50&offset=100",
    ),
    _links(
        "/transfers?offset=100&limit=50",
        "of the last page but one",
        "first /transfers?limit=50",
        "prev /transfers?limit=50&offset=50",
        "next /transfers?limit=50&offset=150",
    ),
    _links(
        "/transfers?limit=50&offset=150",
        "of the last page",
        "first /transfers?limit=50",
        "prev /transfers?limit=50&offset=100",
    ),
    _links(
        "/transfers?limit=50&offset=30",
        "where the page before is short",
        "first /transfers?limit=50",
        "prev /transfers?limit=50",
        "next /transfers?limit=50&offset=80",
    ),
    _links("/transfers?limit=0&offset=30", "of pages without rows", "first /transfers?limit=0"),
    _links(
        "/transfers?o%66fset=50&limit=1",
        "with an escaped name",
        "first /transfers?limit=1",
        "prev /transfers?limit=1&offset=49",
        "next /transfers?limit=1&offset=51",
    ),
    _links(
        "/transfers?&limit=1&offset=0&",
        "with empty pairs",
        "first /transfers?limit=1",
        "next /transfers?limit=1&offset=1",
    ),
    _links(
        "/transfers?limit=50&offset=0",
        "by offset, if it is given",
        "first /transfers?limit=50",
        "next /transfers?limit=50&offset=50",
    ),
    _links("/samples?text=%C3%A4", "keep escaped UTF-8", "first /samples?text=%C3%A4"),
    _links("/samples?text=ä", "escape plain UTF-8", "first /samples?text=%C3%A4"),
    _links(
        "/transfers?sort=-amount,id:nullslast&limit=1&fields=id",
        "keep the query",
        "first /transfers?sort=-amount,id:nullslast&limit=1&fields=id",
        "next /transfers?sort=-amount,id:nullslast&limit=1&fields=id&after=…",
    ),
    _links("/samples?text=a%20b%26c%3Dd", "keep escapes", "first /samples?text=a%20b%26c%3Dd"),
    _links(
        "/samples?text=%3E;%20rel=%22next%22,%20%3Chttp://elsewhere",
        "cannot be broken out of",
        "first /samples?text=%3E;%20rel=%22next%22,%20%3Chttp://elsewhere",
    ),
    _links("/samples?text=>;<", "escape angle brackets", "first /samples?text=%3E;%3C"),
    _links('/samples?text="x"', "escape quotes", "first /samples?text=%22x%22"),
    _links("/countries/a%2Fb/cities?limit=1", "keep the slash of a key", "first /countries/a%2Fb/cities?limit=1"),
    _links("/countries/%25%34%31/cities", "keep a doubled escape", "first /countries/%25%34%31/cities"),
    _links(
        "/playlist_track?limit=1&offset=1",
        "of a table with an underscore",
        "first /playlist_track?limit=1",
        "prev /playlist_track?limit=1",
        "next /playlist_track?limit=1&offset=2",
    ),
    _sorted("ascending", "views", 5, 1, 3, 4, 2),
    _sorted("descending, ties by the key descending too", "-views", 2, 4, 3, 1, 5),
    _sorted("ascending, ties by the key ascending", "views", 5, 1, 3, 4, 2),
    _sorted("by two keys, ties in the direction of the last", "views,-title", 5, 1, 4, 3, 2),
    _sorted("by the key itself", "-id", 5, 4, 3, 2, 1),
    _sorted("by a text", "title", 2, 5, 3, 1, 4),
    _sorted("by a boolean", "published,id", 3, 1, 2, 4, 5),
    Spec(
        name="sort by half of a composite key, the rest in its direction",
        path="/playlist_track?sort=-track_id",
        body=lambda body: [(r["track_id"], r["playlist_id"]) for r in body] == [(3402, 1), (10, 2), (10, 1)],
    ),
    _sorted("puts NULL last ascending", "small", 2, 1, 4, 3, path="/samples"),
    _sorted("puts NULL first descending", "-small", 3, 4, 1, 2, path="/samples"),
    _sorted("NULL first ascending", "small:nullsfirst", 3, 2, 1, 4, path="/samples"),
    _sorted("NULL last ascending, said so", "small:nullslast", 2, 1, 4, 3, path="/samples"),
    _sorted("NULL last descending", "-small:nullslast", 4, 1, 2, 3, path="/samples"),
    _sorted("NULL first descending, said so", "-small:nullsfirst", 3, 4, 1, 2, path="/samples"),
    _sorted("ties among NULLs by the key", "-text:nullslast", 1, 2, 4, 3, path="/samples"),
    _sorted("placement of NULL where there is none", "-id:nullsfirst", 4, 3, 2, 1, path="/samples"),
    *(
        _sorted(f"by the type of {name}", name, 2, 1, 3, 4, path="/samples")
        for name in ("big", "text", "flag", "price", "day", "local", "span")
    ),
    *(
        _sorted(f"by the type of {name}", name, 1, 2, 3, 4, path="/samples")
        for name in ("ratio", "moment", "clock", "token_id")
    ),
    _sorted("by the stored labels of an Enum", "color", 4, 2, 1, 3, path="/samples"),
    _sorted("by an alias", "-familyName", 2, 1, path="/aliaseds"),
    _sorted("by a reserved name", "-limit", 2, 1, path="/reserved"),
    _sorted("with spaces", "-views,%20title", 2, 3, 4, 1, 5),
    _sorted("of a relation", "-views", 2, 4, 3, 1, path="/users/1/posts"),
    refused("sort empty", "/posts?sort=", loc="sort", type="empty"),
    refused("sort of spaces", "/posts?sort=%20", loc="sort", type="empty"),
    refused("sort with an empty item", "/posts?sort=id,,title", loc="sort", type="syntax"),
    refused("sort with a comma at the end", "/posts?sort=id,", loc="sort", type="syntax"),
    refused("sort of a sign", "/posts?sort=-", loc="sort", type="syntax"),
    refused("sort of two signs", "/posts?sort=--id", loc="sort", type="unknown_field", hint="Did you mean 'id'?"),
    refused("sort twice by the same", "/posts?sort=id,title,id", loc="sort", type="repeated"),
    _sorted("by a column again changes nothing", "-views,views,title", 2, 3, 4, 1, 5),
    refused(
        "sort with an unknown placement",
        "/posts?sort=id:nulls",
        loc="sort",
        type="syntax",
        hint="Use ':nullsfirst' or ':nullslast'.",
    ),
    refused("sort with an empty placement", "/posts?sort=id:", loc="sort", type="syntax"),
    refused(
        "sort by an unknown column",
        "/posts?sort=titel",
        loc="sort",
        type="unknown_field",
        hint="Did you mean 'title'?",
        says="'titel' is not a field of 'posts'.",
    ),
    refused(
        "sort by another case", "/posts?sort=Title", loc="sort", type="unknown_field", hint="Did you mean 'title'?"
    ),
    refused("sort by the attribute of an alias", "/aliaseds?sort=given", loc="sort", type="unknown_field"),
    refused("sort by a relation", "/posts?sort=author", loc="sort", type="unknown_field"),
    refused("sort by JSON", "/samples?sort=document", loc="sort", type="not_sortable"),
    refused("sort by an expression", "/posts?sort=(select%201)", loc="sort", type="unknown_field"),
    refused("sort of one object", "/posts/1?sort=id", loc="sort", type="unknown_parameter"),
    refused("limit of one object", "/posts/1?limit=1", loc="limit", type="unknown_parameter"),
    refused(
        "everything of a list, of one object",
        "/posts/1/author?sort=id&limit=1&offset=0",
        loc=("sort", "limit", "offset"),
        type="unknown_parameter",
    ),
    *(
        refused(f"limit {name}", f"/transfers?limit={text}", loc="limit", type="value_error")
        for name, text in (
            ("negative", "-1"),
            ("above the maximum", "1001"),
            ("of a word", "all"),
            ("empty", ""),
            ("with a fraction", "1.0"),
            ("with a sign", "%2B1"),
            ("with a space", "1%20"),
            ("in other digits", "%D9%A1"),
            ("grouped", "1_0"),
            ("in hexadecimal", "0x10"),
            ("of 400 digits", "9" * 400),
            ("of 5,000 digits", "9" * 5000),
            ("of nothing", "null"),
            ("with an exponent", "1e2"),
            ("with a comment", "1--"),
            ("with a line break", "1%0A"),
        )
    ),
    *(
        refused(f"offset {name}", f"/transfers?offset={text}", loc="offset", type="value_error")
        for name, text in (
            ("negative", "-1"),
            ("above the maximum", "100001"),
            ("beyond 64 bits", str(2**63)),
            ("empty", ""),
        )
    ),
    refused("limit twice", "/transfers?limit=1&limit=1", loc="limit", type="repeated"),
    refused("offset twice, once escaped", "/transfers?offset=1&%6Fffset=1", loc="offset", type="repeated"),
    refused("sort twice", "/transfers?sort=id&sort=id", loc="sort", type="repeated"),
    refused("two things twice", "/transfers?sort=id&limit=1&limit=2&sort=id", loc=("limit", "sort"), type="repeated"),
    refused(
        "offset and a filter both wrong",
        "/transfers?offset=-1&id=x",
        loc=("id", "offset"),
        type="value_error",
        says="'id' must be a whole number. There is 1 more error.",
    ),
]
