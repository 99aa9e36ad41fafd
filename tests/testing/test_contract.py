"""What breaks a client is told from what does not; and a contract is written only when that is wanted."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onetrip.testing import Contract
from onetrip.testing.contract import differences, report

ROW: dict[str, Any] = {
    "type": "object",
    "required": ["id", "title"],
    "properties": {
        "id": {"type": "integer"},
        "title": {"type": "string", "maxLength": 40},
        "state": {"enum": ["new", "old"], "type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parent": {"$ref": "#/components/schemas/Row"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}

BODY = copy.deepcopy(ROW)
del BODY["properties"]["parent"]

DOCUMENT: dict[str, Any] = {
    "components": {"schemas": {"Row": ROW, "Body": BODY}},
    "paths": {
        "/rows": {
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "sort", "in": "query", "schema": {"type": "string", "pattern": "^-?(id|title)$"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Row"}}}},
                },
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}},
                },
                "responses": {"201": {}},
            },
        }
    },
}  # fmt: skip

Change = Callable[[dict[str, Any]], Any]


def row(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["Row"]  # type: ignore[no-any-return]


def body(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["Body"]  # type: ignore[no-any-return]


def get(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/rows"]["get"]  # type: ignore[no-any-return]


def post(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/rows"]["post"]  # type: ignore[no-any-return]


BREAKS: list[tuple[Change, str]] = [
    (lambda now: now["paths"].pop("/rows"), "GET /rows: removed"),
    (lambda now: get(now)["parameters"].pop(0), "GET /rows: query parameter 'limit' removed"),
    (
        lambda now: get(now)["parameters"].append({"name": "q", "in": "query", "required": True}),
        "GET /rows: query parameter 'q' added, and it is required",
    ),
    (lambda now: get(now)["parameters"][0].update(required=True), "GET /rows query parameter 'limit': required now"),
    (
        lambda now: get(now)["parameters"][0]["schema"].update(maximum=50),
        "GET /rows query parameter 'limit': maximum is 50 now, and was 100",
    ),
    (
        lambda now: get(now)["parameters"][1]["schema"].update(pattern="^-?(id)$"),
        "GET /rows query parameter 'sort': title is not one of the names any more",
    ),
    (lambda now: get(now)["responses"].pop("200"), "GET /rows: 200 is not answered any more"),
    (
        lambda now: get(now)["responses"]["200"]["content"].pop("application/json"),
        "GET /rows 200: no application/json any more",
    ),
    (lambda now: row(now)["properties"].pop("title"), "Row.title: removed"),
    (lambda now: row(now)["required"].remove("title"), "Row.title: optional now"),
    (lambda now: row(now)["properties"]["id"].update(type="string"), "Row.id: may be string now"),
    (lambda now: row(now)["properties"]["state"]["enum"].append("odd"), "Row.state: 'odd' is one of the values now"),
    (
        lambda now: row(now)["properties"]["tags"]["items"].update(format="uri"),
        "Row.tags[]: format is uri now, and was none",
    ),
    (lambda now: post(now).pop("requestBody"), "POST /rows: no body is taken any more"),
    (lambda now: body(now)["properties"].pop("note"), "Body.note: removed"),
    (lambda now: body(now)["required"].append("note"), "Body.note: required now"),
    (lambda now: body(now)["properties"]["note"]["anyOf"].pop(), "Body.note: null is not taken any more"),
    (lambda now: body(now)["properties"]["state"]["enum"].pop(), "Body.state: 'old' is not one of the values any more"),
    (
        lambda now: (body(now)["properties"].update(new={"type": "string"}), body(now)["required"].append("new")),
        "Body.new: added, and it is required",
    ),
    (lambda now: body(now)["properties"]["title"].update(maxLength=9), "Body.title: maxLength is 9 now, and was 40"),
    (lambda now: body(now)["properties"]["title"].update(minLength=1), "Body.title: minLength is 1 now, and was none"),
]  # fmt: skip

WIDENS: list[tuple[Change, str]] = [
    (lambda now: now["paths"]["/rows"].update(delete={}), "DELETE /rows: added"),
    (lambda now: get(now)["parameters"].append({"name": "q", "in": "query"}), "GET /rows: query parameter 'q' added"),
    (
        lambda now: get(now)["parameters"][1]["schema"].update(pattern="^-?(id|title|note)$"),
        "GET /rows query parameter 'sort': note is one of the names now",
    ),
    (lambda now: get(now)["responses"].update({"404": {}}), "GET /rows: 404 may be answered"),
    (lambda now: row(now)["properties"].update(new={"type": "string"}), "Row.new: added"),
    (lambda now: row(now)["required"].append("note"), "Row.note: required now"),
    (lambda now: row(now)["properties"]["note"]["anyOf"].pop(), "Row.note: is never null any more"),
    (lambda now: post(now)["requestBody"].pop("required"), "POST /rows body: optional now"),
    (lambda now: body(now)["required"].remove("title"), "Body.title: optional now"),
    (lambda now: body(now)["properties"]["id"].update(type=["integer", "null"]), "Body.id: null is taken"),
    (lambda now: body(now)["properties"]["state"].pop("enum"), "Body.state: any value now"),
    (lambda now: body(now)["properties"]["title"].pop("maxLength"), "Body.title: maxLength is none now, and was 40"),
]  # fmt: skip


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize(
    ("change", "said", "breaking"),
    [*((change, said, True) for change, said in BREAKS), *((change, said, False) for change, said in WIDENS)],
)
def test_a_change_is_judged(change: Change, said: str, breaking: bool, back: bool) -> None:
    """Each by itself; the way back is never nothing."""
    now = copy.deepcopy(DOCUMENT)
    change(now)
    if back:
        assert differences(now, DOCUMENT)
        return
    found = differences(DOCUMENT, now)
    assert (breaking, said) in [(each.breaking, str(each)) for each in found]
    assert breaking or not any(each.breaking for each in found)
    assert differences(now, now) == []


def test_a_contract_is_written_when_it_is_wanted(tmp_path: Path) -> None:
    """Without one a test says how to write it; and a difference says how to take it for right."""
    path = tmp_path / "contract.json"
    with pytest.raises(AssertionError, match=r"^There is no contract yet in contract\.json: write it with pytest"):
        Contract(DOCUMENT, path, update=False).check()
    Contract(DOCUMENT, path, update=True).check()
    assert json.loads(path.read_text()) == DOCUMENT
    Contract(DOCUMENT, path, update=False).check()
    now = copy.deepcopy(DOCUMENT)
    row(now)["properties"].pop("title")
    with pytest.raises(AssertionError, match=r"(?s)^What breaks clients:\n  Row\.title: removed\n.*write the contract"):
        Contract(now, path, update=False).check()
    many = copy.deepcopy(DOCUMENT)
    get(many)["parameters"] += [{"name": f"q{number:02}", "in": "query"} for number in range(30)]
    assert report(differences(DOCUMENT, many)).endswith("'q19' added\n  … and 10 more")
