"""`fields` and `include`: what each object holds."""

from tests.http.specs.reading import ADA, ALAN, HIDDEN
from tests.http.specs.spec import Spec, missing, refused

_BEN, _DAN = {"id": 2, "name": "Ben", "boss_id": 1}, {"id": 4, "name": "Dan", "boss_id": 2}
_POST = {"id": 5, "title": "Computable numbers", "content": "", "views": 5, "published": True, "author_id": 2}
_ANONYMOUS = {"id": 3, "body": "anonymous", "post_id": 5, "author_id": None}


def _shaped(name: str, path: str, body: object) -> Spec:
    return Spec(name=name, path=path, body=body, absent=HIDDEN)


def _keys(name: str, path: str, *keys: str) -> Spec:
    """The keys of an object, in their order."""
    return Spec(name=name, path=path, body=lambda body: list(body) == list(keys), absent=HIDDEN)


SPECS = [
    _keys("fields in the order asked for", "/posts/1?fields=title,id", "title", "id"),
    _shaped("fields of a list", "/users?fields=username", [{"username": "ada"}, {"username": "alan"}]),
    _shaped("fields of a relation", "/users/2/posts?fields=id", [{"id": 5}]),
    _shaped("fields of a to-one relation", "/posts/5/author?fields=username", {"username": "alan"}),
    _shaped(
        "fields of a many-to-many relation keep the link row",
        "/people/3/follows?fields=name",
        [{"name": "Ann", "_link": {"since": "2026-01-03"}}],
    ),
    _shaped("fields with spaces", "/posts/1?fields=id,%20title", {"id": 1, "title": "Notes"}),
    _shaped("fields by alias", "/aliaseds/1?fields=familyName", {"familyName": "Lovelace"}),
    _shaped(
        "fields by reserved names",
        "/reserved/1?fields=limit,fields,q,a__b",
        {"limit": 5, "fields": "f", "q": "words", "a__b": 2},
    ),
    _shaped("fields of an embed alone", "/posts/1?fields=author.username", {"author": {"username": "ada"}}),
    _shaped(
        "fields of an embed beside columns",
        "/posts/1?fields=id,author.id,title,author.username",
        {"id": 1, "author": {"id": 1, "username": "ada"}, "title": "Notes"},
    ),
    _shaped(
        "fields of a to-many embed", "/users/2?fields=id,posts.title", {"id": 2, "posts": [{"title": _POST["title"]}]}
    ),
    _shaped(
        "fields three levels down",
        "/comments/3?fields=post.author.posts.id",
        {"post": {"author": {"posts": [{"id": 5}]}}},
    ),
    _shaped("fields that name a whole relation", "/comments/3?fields=id,author", {"id": 3, "author": None}),
    _shaped("fields whole and in part are the whole", "/posts/5?fields=author,author.id", {"author": ALAN}),
    _shaped(
        "fields whole and of what is below",
        "/posts/5?fields=author.posts.id,author",
        {"author": {**ALAN, "posts": [{"id": 5}]}},
    ),
    _shaped("fields beside include", "/posts/5?fields=id&include=author", {"id": 5, "author": ALAN}),
    _shaped(
        "fields and include of one relation",
        "/posts/5?fields=id,author.id&include=author.posts",
        {"id": 5, "author": {"id": 2, "posts": [_POST]}},
    ),
    _shaped(
        "include of nothing further",
        "/posts/5?fields=author.id,comments.id",
        {"author": {"id": 2}, "comments": [{"id": 3}]},
    ),
    _shaped("include to-one", "/posts/5?include=author", {**_POST, "author": ALAN}),
    _shaped("include to-one that is NULL", "/comments/3?include=author", {**_ANONYMOUS, "author": None}),
    _shaped("include to-many", "/posts/5?include=comments", {**_POST, "comments": [_ANONYMOUS]}),
    _shaped("include to-many without rows", "/posts/4?include=comments&fields=id", {"id": 4, "comments": []}),
    _shaped(
        "include of a list",
        "/comments?fields=id&include=author",
        [{"id": 1, "author": ALAN}, {"id": 2, "author": ADA}, {"id": 3, "author": None}],
    ),
    _shaped(
        "include of a relation's list",
        "/users/2/posts?include=comments&fields=id",
        [{"id": 5, "comments": [_ANONYMOUS]}],
    ),
    _shaped("include of a to-one relation", "/comments/3/post?include=author", {**_POST, "author": ALAN}),
    _shaped(
        "include two levels down",
        "/posts/5?include=comments.author&fields=id",
        {"id": 5, "comments": [{**_ANONYMOUS, "author": None}]},
    ),
    _shaped(
        "include three levels down",
        "/comments/3?include=post.author.posts&fields=id",
        {"id": 3, "post": {**_POST, "author": {**ALAN, "posts": [_POST]}}},
    ),
    _shaped(
        "include back along a relation",
        "/posts/5?include=author.posts.author&fields=id",
        {"id": 5, "author": {**ALAN, "posts": [{**_POST, "author": ALAN}]}},
    ),
    _shaped(
        "include with a common beginning",
        "/posts/5?include=author.posts,author.comments,author&fields=id",
        {
            "id": 5,
            "author": {
                **ALAN,
                "posts": [_POST],
                "comments": [{"id": 1, "body": '"quoted", naïve & 🚀', "post_id": 1, "author_id": 2}],
            },
        },
    ),
    _shaped(
        "include along a self-reference, both ways",
        "/employees/2?include=boss,reports",
        {**_BEN, "boss": {"id": 1, "name": "Ada", "boss_id": None}, "reports": [_DAN]},
    ),
    _shaped(
        "include down a self-reference",
        "/employees/1?include=reports.reports.reports&fields=id",
        {
            "id": 1,
            "reports": [
                {**_BEN, "reports": [{**_DAN, "reports": []}]},
                {"id": 3, "name": "Cleo", "boss_id": 1, "reports": []},
            ],
        },
    ),
    _shaped(
        "include one-to-one",
        "/employees/1?include=badge&fields=id",
        {"id": 1, "badge": {"id": 1, "number": "A-1", "employee_id": 1}},
    ),
    _shaped("include one-to-one that is not there", "/employees/2?include=badge&fields=id", {"id": 2, "badge": None}),
    _shaped(
        "include many-to-many",
        "/playlists/2?include=tracks&fields=id",
        {"id": 2, "tracks": [{"id": 10, "title": "one", "_link": {"position": 7, "added_at": None}}]},
    ),
    _shaped(
        "include many-to-many there and back",
        "/tracks/3402?include=playlists.tracks&fields=id",
        {
            "id": 3402,
            "playlists": [
                {
                    "id": 1,
                    "name": "all",
                    "_link": {"position": 1, "added_at": None},
                    "tracks": [
                        {"id": 10, "title": "one", "_link": {"position": 2, "added_at": "2026-01-02T03:04:05Z"}},
                        {"id": 3402, "title": "two", "_link": {"position": 1, "added_at": None}},
                    ],
                }
            ],
        },
    ),
    _shaped(
        "include a many-to-many relation to itself, both ways",
        "/people/1?include=follows.follows,followers&fields=id",
        {
            "id": 1,
            "follows": [
                {"id": 2, "name": "Bob", "_link": {"since": "2026-01-01"}, "follows": []},
                {
                    "id": 3,
                    "name": "Cem",
                    "_link": {"since": "2026-01-02"},
                    "follows": [{"id": 1, "name": "Ann", "_link": {"since": "2026-01-03"}}],
                },
            ],
            "followers": [{"id": 3, "name": "Cem", "_link": {"since": "2026-01-03"}}],
        },
    ),
    _shaped(
        "include by a composite foreign key",
        "/shelves/%22a,b%22,c?include=books&fields=room",
        {"room": "a,b", "books": [{"id": 1, "title": "first", "room": "a,b", "label": "c"}]},
    ),
    Spec(
        name="an embed has at most 100 rows, in the order of its key",
        path="/accounts/1?include=sent",
        body=lambda body: [row["id"] for row in body["sent"]] == list(range(1, 101)),
    ),
    Spec(
        name="an embed of an embed has at most 100 rows",
        path="/vaults/1?include=owner.sent",
        body=lambda body: len(body["owner"]["sent"]) == 100,
    ),
    Spec(
        name="each parent has its own rows",
        path="/accounts?include=sent,received&fields=id",
        body=lambda body: [(len(row["sent"]), len(row["received"])) for row in body] == [(100, 1), (1, 100), (0, 0)],
    ),
    missing("include of a row that does not exist", "/posts/99?include=author"),
    refused("fields empty", "/posts?fields=", loc="fields", type="empty"),
    refused("include empty", "/posts?include=", loc="include", type="empty"),
    refused("include of a comma", "/posts?include=,", loc="include", type="syntax"),
    refused("fields with an empty item", "/posts?fields=id,,title", loc="fields", type="syntax"),
    refused("fields with a dot at the end", "/posts?fields=author.", loc="fields", type="syntax"),
    refused("include with a dot at the start", "/posts?include=.author", loc="include", type="syntax"),
    refused("fields twice the same", "/posts?fields=id,title,id", loc="fields", type="repeated"),
    refused("fields twice the same below", "/posts?fields=author.id,author.id", loc="fields", type="repeated"),
    refused("include twice the same", "/posts?include=author,author", loc="include", type="repeated"),
    refused("fields and fields", "/posts?fields=id&fields=title", loc="fields", type="repeated"),
    refused(
        "fields of an unknown column",
        "/posts?fields=titel",
        loc="fields",
        type="unknown_field",
        hint="Did you mean 'title'?",
    ),
    refused(
        "fields of an unknown relation near a known one",
        "/posts?fields=autho",
        loc="fields",
        type="unknown_field",
        hint="Did you mean 'author'?",
    ),
    refused("fields of everything", "/posts?fields=*", loc="fields", type="unknown_field"),
    refused("fields below a column", "/posts?fields=title.id", loc="fields", type="unknown_relation"),
    refused(
        "fields of an unknown column below a relation",
        "/posts?fields=author.usernam",
        loc="fields",
        type="unknown_field",
        hint="Did you mean 'username'?",
        says="'usernam' is not a field of 'users'.",
    ),
    refused("fields of the link row", "/playlists/1/tracks?fields=_link", loc="fields", type="unknown_field"),
    refused(
        "include of an unknown relation",
        "/posts?include=authr",
        loc="include",
        type="unknown_relation",
        hint="Did you mean 'author'?",
    ),
    refused(
        "include of a column",
        "/posts?include=title",
        loc="include",
        type="unknown_relation",
        hint="There are: author, comments.",
    ),
    refused(
        "include where there are no relations",
        "/samples?include=author",
        loc="include",
        type="unknown_relation",
        hint="It has no relations.",
    ),
    refused(
        "include of an unknown relation below a known one",
        "/posts?include=author.post",
        loc="include",
        type="unknown_relation",
        hint="Did you mean 'posts'?",
    ),
    refused("include too deep", "/posts?include=author.posts.author.posts", loc="include", type="too_deep"),
    refused(
        "include too deep on one object", "/posts/1?include=author.posts.author.posts", loc="include", type="too_deep"
    ),
    refused("fields too deep", "/posts?fields=author.posts.author.posts.id", loc="fields", type="too_deep"),
    refused("include 5,000 levels deep", "/posts?include=" + ".".join(["x"] * 5000), loc="include", type="too_deep"),
    refused("fields 5,000 levels deep", "/posts?fields=" + ".".join(["x"] * 5000), loc="fields", type="too_deep"),
    refused("sort 5,000 levels deep", "/posts?sort=" + ".".join(["x"] * 5000), loc="sort", type="too_deep"),
    refused(
        "include too wide",
        "/employees?include=boss.boss.boss,boss.boss.reports,boss.boss.badge,boss.reports.boss,"
        "boss.reports.reports,boss.reports.badge,boss.badge.employee,reports.boss.boss,reports.boss.reports,"
        "reports.boss.badge,reports.reports.boss,reports.reports.reports,reports.reports.badge,reports.badge.employee",
        loc="include",
        type="too_many",
    ),
]
