"""Upserts over HTTP: which rows are made, which change, and what it costs."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.http.manifold import SEEN, Page, Person, Served, Tag, served
from tests.support.databases import Backend

ADA = {"email": "ada@example.com", "name": "Ada", "bio": "Counts."}


@pytest.fixture
def world(backend: Backend) -> Iterator[Served]:
    with served(backend) as made:
        yield made


def errors(answer: Any) -> list[tuple[list[Any], str]]:
    return [(item["loc"], item["type"]) for item in answer.json()["errors"]]


def test_a_row_is_made_and_then_changed(world: Served) -> None:
    made, costs = world.counted("POST", "/people?on_conflict=email", ADA)
    assert made.status == 201
    assert made.headers["location"] == "/people/1"
    assert made.headers["etag"] == '"1"'
    assert len(costs) == world.statements(1, 3)  # SQLite: BEGIN IMMEDIATE, INSERT, COMMIT
    first = made.json()

    changed, costs = world.counted("POST", "/people?on_conflict=email", {"email": ADA["email"], "name": "Lovelace"})
    assert changed.status == 200
    assert "location" not in changed.headers
    assert changed.headers["etag"] == '"2"'
    assert len(costs) == world.statements(1, 4)
    row = changed.json()
    assert row == first | {"name": "Lovelace", "version": 2, "seen": SEEN, "updated_at": row["updated_at"]}
    assert row["created_at"] == first["created_at"]
    assert world.client.get("/people").json() == [row]


def test_the_database_keeps_time(world: Served) -> None:
    first = world.send("POST", "/people?on_conflict=email", ADA).json()
    again = world.send("POST", "/people?on_conflict=email", ADA).json()
    assert again["updated_at"] >= first["updated_at"]
    assert again["created_at"] == first["created_at"]


def test_what_is_not_sent_stays(world: Served) -> None:
    world.send("POST", "/people?on_conflict=email", ADA)
    kept = world.send("POST", "/people?on_conflict=email", {"email": ADA["email"], "name": "A."}).json()
    assert (kept["name"], kept["bio"]) == ("A.", "Counts.")
    gone = world.send("POST", "/people?on_conflict=email", {"email": ADA["email"], "bio": None}).json()
    assert (gone["name"], gone["bio"]) == ("A.", None)


def test_update_limits_what_changes(world: Served) -> None:
    target = "/people?on_conflict=email&update=bio"
    made = world.send("POST", target, ADA).json()
    assert (made["name"], made["bio"]) == ("Ada", "Counts.")  # a new row has everything
    changed = world.send("POST", target, ADA | {"name": "X", "bio": "Writes."})
    assert changed.status == 200
    assert (changed.json()["name"], changed.json()["bio"]) == ("Ada", "Writes.")


def test_an_empty_update_ignores(world: Served) -> None:
    target = "/people?on_conflict=email&update="
    made, costs = world.counted("POST", target, ADA)
    assert made.status == 201
    assert len(costs) == world.statements(1, 3)
    ignored, costs = world.counted("POST", target, ADA | {"name": "X"})
    assert (ignored.status, ignored.headers["etag"]) == (200, '"1"')
    assert ignored.json() == made.json()
    assert len(costs) == world.statements(1, 4)
    other = world.send("POST", "/people?on_conflict=email&update=bio", {"email": ADA["email"], "name": "X"})
    assert other.json() == made.json()  # what may change was not sent


def test_a_key_of_two_columns_in_any_order(world: Served) -> None:
    row = ADA | {"team": "red", "number": 1}
    assert world.send("POST", "/people?on_conflict=team,number", row).status == 201
    changed = world.send("POST", "/people?on_conflict=number,team", row | {"email": "new@example.com"})
    assert (changed.status, changed.json()["email"]) == (200, "new@example.com")
    nothing = {"email": "x@example.com", "team": "red", "number": None}  # NULL is equal to nothing
    assert world.send("POST", "/people?on_conflict=team,number", nothing).status == 201


def test_another_unique_key_is_a_conflict_all_the_same(world: Served) -> None:
    world.send("POST", "/people", ADA | {"team": "red", "number": 1})
    other = {"email": "alan@example.com", "team": "red", "number": 1}
    refused = world.send("POST", "/people?on_conflict=email", other)
    assert refused.status == 409
    assert errors(refused) == [(["body", "team"], "unique"), (["body", "number"], "unique")]


def test_a_key_that_clients_make(world: Served) -> None:
    target = "/pages?on_conflict=path"
    made = world.send("POST", target, {"path": "a b", "name": "Start"})
    assert (made.status, made.headers["location"]) == (201, "/pages/a%20b")
    assert world.send("POST", target, {"path": "a b", "name": "End"}).json()["name"] == "End"


def test_a_key_with_a_condition(world: Served) -> None:
    target = "/pages?on_conflict=name&update=state"
    world.send("POST", "/pages", {"path": "old", "name": "Start", "state": "draft"})
    assert world.send("POST", target, {"path": "a", "name": "Start"}).status == 201  # a draft has the name in vain
    changed = world.send("POST", target, {"path": "b", "name": "Start", "state": "live"})
    assert (changed.status, changed.json()["path"]) == (200, "a")
    ignored = world.send("POST", "/pages?on_conflict=name&update=", {"path": "c", "name": "Start"})
    assert (ignored.status, ignored.json()["path"]) == (200, "a")
    draft = world.send("POST", target, {"path": "d", "name": "Start", "state": "draft"})
    assert draft.status == 201  # it is not under the condition itself


def test_what_was_deleted_is_not_met(world: Served) -> None:
    world.send("POST", "/tags", {"code": "a", "label": "First"})
    assert world.send("DELETE", "/tags/a").status == 204
    made = world.send("POST", "/tags?on_conflict=label", {"code": "b", "label": "First"})
    assert made.status == 201
    for update in ("", "&update="):
        taken = world.send("POST", f"/tags?on_conflict=code{update}", {"code": "a", "label": "Second"})
        assert taken.status == 409  # the key is still taken, by a row that nobody sees
    assert world.client.get("/tags").json() == [{"code": "b", "label": "First"}]


def test_which_keys_there_are(world: Served) -> None:
    """The names are those that a client sees and sends; a hidden key is as unknown as any other."""
    for wanted in ("name", "password_hash", "id", "team", "nonsense", "email,name"):
        refused = world.send("POST", f"/people?on_conflict={wanted}", ADA)
        assert refused.status == 422
        assert errors(refused) == [(["query", "on_conflict"], "unknown_key")]
        assert refused.json()["hint"] == "There are: team,number; email."
    assert errors(world.send("POST", "/people?on_conflict=", ADA)) == [(["query", "on_conflict"], "empty")]
    assert errors(world.send("POST", "/people?update=name", ADA)) == [(["query", "update"], "missing")]
    assert world.client.get("/people").json() == []


def test_which_columns_change(world: Served) -> None:
    for wanted, type_ in (("created_at", "read_only"), ("password_hash", "unknown_field"), ("emial", "unknown_field")):
        refused = world.send("POST", f"/people?on_conflict=email&update={wanted}", ADA)
        assert errors(refused) == [(["query", "update"], type_)]
    refused = world.send("POST", "/pages?on_conflict=name&update=path", {"path": "a", "name": "Start"})
    assert errors(refused) == [(["query", "update"], "read_only")]  # a key


def test_the_key_must_be_given(world: Served) -> None:
    refused = world.send("POST", "/people?on_conflict=email", {"name": "Nobody"})
    assert errors(refused) == [(["body", "email"], "missing")]


def test_an_array(world: Served) -> None:
    world.send("POST", "/people?on_conflict=email", [ADA])  # the first array asks what its types are
    rows = [{"email": "alan@example.com", "name": "Alan"}, {"email": ADA["email"], "name": "Lovelace"}]
    answer, costs = world.counted("POST", "/people?on_conflict=email&fields=email,name,version,seen", rows)
    assert answer.status == 200
    assert answer.json() == [
        rows[0] | {"version": 1, "seen": None},
        rows[1] | {"version": 2, "seen": SEEN},
    ]
    assert len(costs) == world.statements(1, 5)  # SQLite: a second statement for the row that is there
    assert world.send("POST", "/people?on_conflict=email", []).json() == []
    assert errors(world.send("POST", "/people?on_conflict=name", [])) == [(["query", "on_conflict"], "unknown_key")]


def test_an_array_of_different_rows(world: Served) -> None:
    world.send("POST", "/people", ADA)
    rows = [{"email": "alan@example.com", "bio": "x"}, {"email": ADA["email"], "name": "Lovelace"}]
    answer = world.send("POST", "/people?on_conflict=email&fields=email,name,bio", rows)
    assert answer.json() == [
        {"email": "alan@example.com", "name": "Nobody", "bio": "x"},
        {"email": ADA["email"], "name": "Lovelace", "bio": "Counts."},
    ]
    ignored = world.send("POST", "/people?on_conflict=email&update=&fields=name", [ADA, {"email": "c@example.com"}])
    assert ignored.json() == [{"name": "Lovelace"}, {"name": "Nobody"}]


def test_an_array_names_a_row_once(world: Served) -> None:
    rows = [ADA, {"email": "alan@example.com"}, ADA]
    for update in ("", "&update="):
        refused = world.send("POST", f"/people?on_conflict=email{update}", rows)
        assert refused.status == 422
        assert errors(refused) == [(["body", 2], "repeated")]
    assert world.client.get("/people").json() == []
    nulls = [{"email": f"{number}@example.com", "team": "red", "number": None} for number in range(2)]
    assert world.send("POST", "/people?on_conflict=team,number", nulls).status == 200


def test_what_the_database_takes_for_one_key(world: Served) -> None:
    """It alone knows that; a row is not written twice in one request all the same."""
    twin = "A" if world.backend.name == "sqlite" else "a "
    for rows in ([{"code": "a"}, {"code": twin}], [{"code": "a", "row": "x"}, {"code": twin, "row": "y"}]):
        refused = world.send("POST", "/seats?on_conflict=code", rows)
        assert refused.status == 422
        assert errors(refused)[0][1] == "repeated"
    assert world.client.get("/seats").json() == []
    assert world.send("POST", "/seats?on_conflict=code", {"code": "a"}).status == 201
    assert world.send("POST", "/seats?on_conflict=code", {"code": twin}).status == 200


def test_an_array_is_all_or_nothing(world: Served) -> None:
    world.send("POST", "/people", ADA | {"team": "red", "number": 1})
    rows = [{"email": "a@example.com"}, {"email": "b@example.com", "team": "red", "number": 1}]
    rows[0] |= {"team": None, "number": None}
    refused = world.send("POST", "/people?on_conflict=email", rows)
    assert refused.status == 409
    assert errors(refused) == [(["body", 1, "team"], "unique"), (["body", 1, "number"], "unique")]
    assert len(world.client.get("/people").json()) == 1


def test_rows_that_lead_back_to_their_table(world: Served) -> None:
    world.send("POST", "/people", ADA)
    row = {"email": "b@example.com", "boss_id": 1}
    for name in ("B", "C"):
        answer = world.send("POST", "/people?on_conflict=email&fields=name,boss.name", row | {"name": name})
        assert answer.json() == {"name": name, "boss": {"name": "Ada"}}
    many = world.send("POST", "/people?on_conflict=email&fields=name,boss.name", [row | {"name": "D"}])
    assert many.json() == [{"name": "D", "boss": {"name": "Ada"}}]


def test_only_new_rows(world: Served) -> None:
    """`If-None-Match: *` asks for a row that is made."""
    page = {"path": "a", "name": "Start"}
    assert world.send("POST", "/pages", page, if_none_match="*").status == 201
    refused, costs = world.counted("POST", "/pages", page | {"name": "End"}, if_none_match="*")
    assert refused.status == 412
    assert len(costs) == world.statements(1, 4)
    assert world.send("POST", "/people?on_conflict=email", ADA, if_none_match="*").status == 201
    assert world.send("POST", "/people?on_conflict=email", ADA, if_none_match="*").status == 412
    assert world.send("POST", "/people", {"email": "b@example.com"}, if_none_match="*").status == 201  # no key is sent
    both = [{"path": "b", "name": "B"}, {"path": "a", "name": "A"}]
    assert world.send("POST", "/pages", both, if_none_match="*").status == 412
    assert world.client.get("/pages").json() == [page | {"state": "live"}]


def test_other_tags_than_any_are_refused(world: Served) -> None:
    """`If-None-Match` of a POST that is not `*` would be passed over, and change the row that it should protect."""
    page = {"path": "a", "name": "Start"}
    for tag in ('"*"', '"1"', "AAA", ""):
        refused = world.send("POST", "/pages?on_conflict=path", page, if_none_match=tag)
        assert errors(refused) == [(["header", "If-None-Match"], "value_error")]
    assert world.client.get("/pages").json() == []
    needs = world.send("POST", "/people?update=name", ADA, if_none_match="*")
    assert errors(needs) == [(["query", "update"], "missing")]  # clients do not make this key


def test_many_at_once_make_one_row(world: Served) -> None:
    for update, version in (("", 32), ("&update=", 1)):
        email = f"{version}@example.com"
        requests = [
            ("POST", f"/people?on_conflict=email{update}", {"email": email, "name": str(number)})
            for number in range(32)
        ]
        answers = world.together(*requests)
        assert sorted(answer.status for answer in answers) == [200] * 31 + [201]
        (row,) = world.client.get(f"/people?email={email}").json()
        assert row["version"] == version
        assert {answer.json()["id"] for answer in answers} == {row["id"]}


def test_arrays_at_once(world: Served) -> None:
    """Rows that are locked in another order do not deadlock for good."""
    emails = [f"{number}@example.com" for number in range(20)]
    rows = [[{"email": email, "name": str(turn)} for email in emails[:: 1 if turn % 2 else -1]] for turn in range(8)]
    answers = world.together(*(("POST", "/people?on_conflict=email", each) for each in rows))
    assert {answer.status for answer in answers} <= {200, 409}
    assert 200 in {answer.status for answer in answers}
    assert len(world.client.get("/people").json()) == 20


def test_columns_with_the_names_of_parameters_are_filtered(backend: Backend) -> None:
    """Only where rows are made do `update` and `on_conflict` mean something else."""
    with served(backend, Page(path="a", name="A"), Person(email="x"), Tag(code="a", label="A")) as world:
        refused = world.client.get("/pages?update=1")
        assert errors(refused) == [(["query", "update"], "unknown_parameter")]
        refused = world.send("PATCH", "/pages/a?on_conflict=path", {"name": "B"})
        assert errors(refused) == [(["query", "on_conflict"], "unknown_parameter")]
