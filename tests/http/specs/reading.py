"""Collections, items and relations, by every kind of key."""

from urllib.parse import quote

from tests.http.specs.spec import Spec, missing, rows
from tests.http.world import KEYS, SECRET

ADA = {"id": 1, "email": "ada@example.com", "username": "ada", "bio": "wrote the first program",
       "created_at": "2026-01-01T00:00:00Z"}  # fmt: skip
ALAN = {"id": 2, "email": "alan@example.com", "username": "alan", "bio": None, "created_at": "2026-01-01T00:00:00Z"}
HIDDEN = ("hashed_password", "internal_note", "draft", "private_note", "password_hash", SECRET)


def _item(name: str, path: str, body: object) -> Spec:
    return Spec(name=name, path=path, body=body, headers={"link": None}, absent=HIDDEN)


SPECS = [
    Spec(name="collection", path="/users", body=[ADA, ALAN], absent=HIDDEN),
    Spec(name="collection of a table with nothing hidden", path="/cities", body=lambda rows: len(rows) == len(KEYS)),
    Spec(name="collection in the order of the key", path="/tracks", body=rows(10, 30, 3402)),
    Spec(name="collection in the order of a text key", path="/countries", body=rows(*sorted(KEYS), key="code")),
    Spec(
        name="collection in the order of a composite key",
        path="/playlist_track",
        body=lambda body: [(row["playlist_id"], row["track_id"]) for row in body] == [(1, 10), (1, 3402), (2, 10)],
        absent=HIDDEN,
    ),
    Spec(
        name="hidden columns do not leave the database",
        path="/vaults",
        body=[{"id": 1, "label": "one", "pin": "open", "owner_id": 1}],
        absent=(*HIDDEN, "labels", "keeper"),
    ),
    Spec(
        name="public names are serialization aliases",
        path="/aliaseds",
        body=[
            {"id": 1, "givenName": "Ada", "familyName": "Lovelace"},
            {"id": 2, "givenName": "Alan", "familyName": "Turing"},
        ],
    ),
    _item("item", "/users/1", ADA),
    _item(
        "item with a text of every kind",
        "/comments/1",
        {"id": 1, "body": '"quoted", naïve & 🚀', "post_id": 1, "author_id": 2},
    ),
    _item(
        "item by a composite key",
        "/playlist_track/1,3402",
        {"playlist_id": 1, "track_id": 3402, "position": 1, "added_at": None},
    ),
    _item(
        "item by a composite key with an escaped comma",
        "/playlist_track/1%2C10",
        {"playlist_id": 1, "track_id": 10, "position": 2, "added_at": "2026-01-02T03:04:05Z"},
    ),
    _item("item by a composite key with a quoted comma", "/shelves/%22a,b%22,c", {"room": "a,b", "label": "c"}),
    _item("item by a composite key with another quoted comma", "/shelves/a,%22b,c%22", {"room": "a", "label": "b,c"}),
    _item(
        "item by a composite key with a quote and a line break",
        "/shelves/%22%22%22%22,%0A",
        {"room": '"', "label": "\n"},
    ),
    _item(
        "item by a composite key, all quoted",
        "/playlist_track/%221%22,%2210%22",
        {"playlist_id": 1, "track_id": 10, "position": 2, "added_at": "2026-01-02T03:04:05Z"},
    ),
    *(
        _item(
            f"item by the text key {code}",
            f"/countries/{quote(code, safe='')}",
            {"code": code, "name": f"name of {code}"},
        )
        for code in KEYS
    ),
    *(
        Spec(
            name=f"relation of the text key {code}",
            path=f"/countries/{quote(code, safe='')}/cities",
            body=rows(f"city of {code}", key="name"),
        )
        for code in KEYS
    ),
    _item("escapes in the name of a resource", "/%75sers/1", ADA),
    Spec(name="escapes in the name of a relation", path="/users/%31/p%6Fsts", body=rows(1, 2, 3, 4)),
    missing("item that does not exist", "/users/3"),
    missing("item by a text key that does not exist", "/countries/nowhere"),
    missing("item by an escaped key that does not exist", "/countries/a%252Fb"),
    missing("item by a composite key that does not exist", "/playlist_track/2,3402"),
    missing("item by a negative key", "/users/-1"),
    missing("item by a key beyond the column's range", "/users/2147483648", statements=0),
    missing("item by a key below the column's range", "/users/-2147483649", statements=0),
    missing("item by a key of 400 digits", "/users/" + "9" * 400, statements=0),
    missing("item by a composite key beyond the range", "/playlist_track/1,99999999999", statements=0),
    Spec(name="to-many relation", path="/users/1/posts", body=rows(1, 2, 3, 4), absent=HIDDEN),
    Spec(name="to-many relation without rows", path="/playlists/3/tracks", body=[]),
    Spec(name="to-many relation of a key with a line break", path="/shelves/%22%22%22%22,%0A/books", body=rows(3)),
    missing("to-many relation of a row that does not exist", "/users/3/posts"),
    missing("to-many relation of a key beyond the range", "/users/2147483648/posts", statements=0),
    missing("to-many relation, none wanted, of a row that does not exist", "/users/3/posts?limit=0"),
    missing("to-many relation, past its end, of a row that does not exist", "/users/3/posts?offset=10"),
    _item("to-one relation", "/comments/1/author", ALAN),
    _item("to-one relation by a composite foreign key", "/books/1/shelf", {"room": "a,b", "label": "c"}),
    missing("to-one relation that is NULL", "/comments/3/author"),
    missing("to-one relation of a row that does not exist", "/comments/4/author"),
    missing("to-one relation by a composite foreign key that is NULL", "/books/4/shelf"),
    _item(
        "one-to-one relation from the side without the key",
        "/employees/1/badge",
        {"id": 1, "number": "A-1", "employee_id": 1},
    ),
    missing("one-to-one relation that is not there", "/employees/2/badge"),
    Spec(
        name="many-to-many relation with the columns of its link row",
        path="/playlists/1/tracks",
        body=[
            {"id": 10, "title": "one", "_link": {"position": 2, "added_at": "2026-01-02T03:04:05Z"}},
            {"id": 3402, "title": "two", "_link": {"position": 1, "added_at": None}},
        ],
        absent=HIDDEN,
    ),
    Spec(
        name="many-to-many relation backwards",
        path="/tracks/10/playlists",
        body=lambda body: [(row["id"], row["_link"]["position"]) for row in body] == [(1, 2), (2, 7)],
        absent=HIDDEN,
    ),
    Spec(
        name="many-to-many relation to itself",
        path="/people/1/follows",
        body=[
            {"id": 2, "name": "Bob", "_link": {"since": "2026-01-01"}},
            {"id": 3, "name": "Cem", "_link": {"since": "2026-01-02"}},
        ],
    ),
    Spec(
        name="many-to-many relation to itself, backwards",
        path="/people/1/followers",
        body=[{"id": 3, "name": "Cem", "_link": {"since": "2026-01-03"}}],
    ),
    Spec(
        name="self-reference to the parent",
        path="/employees/4/boss",
        body={"id": 2, "name": "Ben", "boss_id": 1},
        headers={"link": None},
    ),
    Spec(name="self-reference to the children", path="/employees/1/reports", body=rows(2, 3)),
    Spec(name="the first of two foreign keys to one table", path="/accounts/2/sent", body=rows(151)),
    Spec(name="the second of two foreign keys to one table", path="/accounts/1/received", body=rows(151)),
    Spec(
        name="the way back along each of them",
        path="/transfers/151?include=sender,receiver",
        body=lambda body: (body["sender"]["owner"], body["receiver"]["owner"]) == ("shop", "bank"),
    ),
    Spec(name="liveness", path="/livez", body={"status": "alive"}, statements=0),
    Spec(name="readiness", path="/readyz", body={"status": "ready"}, headers={"etag": None}),
]
