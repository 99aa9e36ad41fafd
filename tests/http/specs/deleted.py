"""Rows that were deleted and are still in their table: to a client they are not there."""

from tests.http import world
from tests.http.specs.spec import Spec, missing, refused, rows

_SECRETS = (world.SECRET, "deleted_at")
_FIRST, _GONE, _ORPHAN, _LAST = world.PAPERS


def _found(name: str, path: str, body: object) -> Spec:
    return Spec(name=name, path=path, body=body, absent=_SECRETS)


SPECS = [
    _found("a list without the deleted", "/folders", [{"id": 1, "name": "one"}, {"id": 4, "name": "two"}]),
    _found(
        "a row with what the mixins add",
        f"/papers/{_FIRST}",
        {
            "id": str(_FIRST), "title": "first", "folder_id": 1, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", "version": 1,
        },
    ),
    Spec(name="a filter finds nothing that was deleted", path=f"/folders?name={world.SECRET}", body=[]),
    _found("a unique value stands for the row that is there", "/folders?name=one", [{"id": 1, "name": "one"}]),
    _found("a page is full of what is there", "/folders?limit=1&offset=1&fields=id", [{"id": 4}]),
    Spec(
        name="keys of version 7 sort by the moment of their making", path="/papers?sort=-id",
        body=rows(*map(str, (_LAST, _ORPHAN, _FIRST))), absent=_SECRETS,
    ),
    missing("a deleted row", "/folders/2", absent=_SECRETS),
    missing("a deleted row with another in its place", "/folders/3", absent=_SECRETS),
    missing("a deleted row by its UUID", f"/papers/{_GONE}", absent=_SECRETS),
    missing("the collection of a deleted row", "/folders/2/papers", absent=_SECRETS),
    missing("the relation of a deleted row", f"/papers/{_GONE}/folder", absent=_SECRETS),
    missing("a relation that leads to a deleted row", f"/papers/{_ORPHAN}/folder", absent=_SECRETS),
    _found(
        "a collection without the deleted", "/folders/1/papers?fields=title", [{"title": "first"}, {"title": "last"}]
    ),
    _found("nothing is left in a collection", "/folders/4/papers", []),
    _found(
        "embeds without the deleted",
        "/folders?fields=id,papers.title",
        [{"id": 1, "papers": [{"title": "first"}, {"title": "last"}]}, {"id": 4, "papers": []}],
    ),
    _found(
        "an embedded row that was deleted is null",
        "/papers?fields=title,folder.name",
        [
            {"title": "first", "folder": {"name": "one"}}, {"title": "orphan", "folder": None},
            {"title": "last", "folder": {"name": "one"}},
        ],
    ),
    refused("the moment of the deletion is no field", "/folders?fields=deleted_at", loc="fields", type="unknown_field"),
    refused("nor a filter", "/folders?deleted_at=2026-01-01T00:00:00Z", loc="deleted_at", type="unknown_parameter"),
    refused("nor an order", "/folders?sort=deleted_at", loc="sort", type="unknown_field"),
]  # fmt: skip
