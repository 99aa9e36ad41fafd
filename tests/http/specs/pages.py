"""`after`, `before` and `count`: what is refused, and what is counted. Walks are in `test_pagination`."""

from tests.http.specs.spec import Spec, missing, refused, rows

_CURSOR = "AbFaC5sfg97o8M84kbeRKzjVuOfr"  # of a list that nobody serves


def _counted(name: str, path: str, total: int | None, *keys: object, key: str = "id") -> Spec:
    return Spec(
        name=f"count {name}", path=path, body=rows(*keys, key=key),
        headers={"x-total-count": None if total is None else str(total)},
    )  # fmt: skip


SPECS = [
    _counted("is not asked for", "/posts?limit=1", None, 1),
    _counted("none", "/posts?limit=1&count=none", None, 1),
    _counted("exact", "/transfers?limit=1&count=exact", 151, 1),
    _counted("of what filters leave", "/posts?limit=1&author_id=1&count=exact", 4, 1),
    _counted("of what is on no page", "/posts?offset=4&limit=0&count=exact", 5),
    _counted("behind an offset", "/posts?offset=4&count=exact", 5, 5),
    _counted("of a relation", "/accounts/1/sent?limit=0&count=exact", 150),
    _counted("of a relation, filtered", "/users/1/posts?published=true&count=exact&limit=0", 3),
    _counted("of many to many", "/playlists/1/tracks?count=exact&limit=0", 2),
    _counted("of what was not deleted", "/folders?count=exact&fields=id&limit=0", 2),
    _counted("of nothing", "/posts?title=none&count=exact", 0),
    _counted("of every row, estimated before anything was analysed", "/users?count=estimated&limit=0", 2),
    missing("count in a parent that is missing", "/users/99/posts?count=exact"),
    missing("count, estimated, in a parent that is missing", "/users/99/posts?count=estimated"),
    refused("count of something else", "/posts?count=all", loc="count", type="value_error"),
    refused("count of one object", "/posts/1?count=exact", loc="count", type="unknown_parameter"),
    refused("after of one object", f"/posts/1?after={_CURSOR}", loc="after", type="unknown_parameter"),
    refused("before of a relation to one", f"/posts/1/author?before={_CURSOR}", loc="before", type="unknown_parameter"),
    *(
        refused(f"{name} {what}", f"/posts?{name}={text}", loc=name, type=type)
        for name in ("after", "before")
        for what, text, type in [
            ("without a cursor", "", "empty"),
            ("a cursor of another list", _CURSOR, "invalid_cursor"),
            ("a number", "5", "invalid_cursor"),
            ("conditions", "(id=1)", "invalid_cursor"),
            ("what is too long", "A" * 5000, "invalid_cursor"),
            ("what is no ASCII", "%C3%A4", "invalid_cursor"),
            ("padding", f"{_CURSOR}=", "invalid_cursor"),
        ]
    ),
    refused("after with before", f"/posts?after={_CURSOR}&before={_CURSOR}", loc="before", type="contradiction"),
    refused("after with offset", f"/posts?after={_CURSOR}&offset=0", loc="offset", type="contradiction"),
    refused("before with offset", f"/posts?offset=1&before={_CURSOR}", loc="offset", type="contradiction"),
    refused("after twice", f"/posts?after={_CURSOR}&after={_CURSOR}", loc="after", type="repeated"),
    refused("after in a missing parent", f"/users/99/posts?after={_CURSOR}", loc="after", type="invalid_cursor"),
    *(
        refused(f"{name} in an embed", f"/users?include=posts({name}={text})", loc=name, type="unknown_parameter")
        for name, text in (("after", _CURSOR), ("before", _CURSOR), ("count", "exact"))
    ),
    *(
        refused(f"after in {what}", url.format(f"after={_CURSOR}"), loc="after", type="unknown_parameter")
        for what, url in [
            ("an embed of an embed", "/users/1?include=posts.comments({})"),
            ("an embed of a relation to one", "/posts/1?include=author.comments({})"),
            ("a relation to one", "/posts/1?include=author({})"),
            ("an embed of a relation's row", "/posts/1/author?include=posts({})"),
        ]
    ),
    refused(
        "after in an embed, with offset",
        f"/users/1?include=posts(offset=1,after={_CURSOR})",
        loc="offset",
        type="contradiction",
    ),
    refused(
        "a cursor of another list in an embed",
        f"/users/1?include=posts(after={_CURSOR})",
        loc="after",
        type="invalid_cursor",
    ),
    refused("no cursor in an embed", "/users/1?include=posts(after=)", loc="after", type="empty"),
    refused(
        "before in an embed of one row",
        f"/users/1?include=posts(before={_CURSOR})",
        loc="before",
        type="unknown_parameter",
    ),
    refused("after in a tree", f"/posts?or=(after={_CURSOR},id=1)", loc="after", type="syntax"),
]
