"""Reading over HTTP, spec by spec, on both databases."""

import json
from itertools import chain

import pytest

from tests.http.conftest import Served
from tests.http.specs import aggregates, conditions, deleted, filters, pages, protocol, reading, shaping, window
from tests.http.specs.spec import Spec, without_cursors
from tests.support.counting import count_statements

SPECS = list(
    chain(
        reading.SPECS,
        window.SPECS,
        pages.SPECS,
        filters.SPECS,
        conditions.SPECS,
        shaping.SPECS,
        protocol.SPECS,
        deleted.SPECS,
        aggregates.SPECS,
    )
)

specs = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


@specs
def test_spec(served: Served, spec: Spec) -> None:
    """The answer is the expected one, for the expected number of statements."""
    with count_statements(served.backend, served.api) as statements:
        answer = served.client.request(spec.method, spec.path, spec.send)
    spec.verify(answer)
    assert len(statements) == spec.statements, statements


@specs
def test_both_databases_answer_the_same_bytes(on_sqlite: Served, on_postgresql: Served, spec: Spec) -> None:
    """Status, headers, entity tags included, and body are equal to the byte, but for the id of a refused request."""
    one, other = (served.client.request(spec.method, spec.path, spec.send) for served in (on_sqlite, on_postgresql))
    assert (one.status, without_cursors(one.headers)) == (other.status, without_cursors(other.headers))
    assert _without_id(one.body) == _without_id(other.body)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.method == "GET"], ids=lambda spec: spec.name)
def test_head_answers_as_get_without_a_body(on_sqlite: Served, spec: Spec) -> None:
    """HEAD has the status and the headers of GET, and nothing else."""
    get, head = (on_sqlite.client.request(method, spec.path, spec.send) for method in ("GET", "HEAD"))
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.status == 200 and spec.statements], ids=lambda spec: spec.name
)
def test_an_answer_that_the_client_has_is_304(served: Served, spec: Spec) -> None:
    """The entity tag of every read, weak or in a list or as it came, saves its body; another tag does not."""
    first = served.client.request(spec.method, spec.path, spec.send)
    tag = first.headers.get("etag")
    if tag is None:
        assert spec.path == "/readyz"
        return
    for condition in (tag, tag.removeprefix("W/"), f'"a", {tag}', f'{tag},"b"', f'"a"\n{tag}'):
        again = served.client.request(spec.method, spec.path, {**spec.send, "if-none-match": condition})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers.get("link") == first.headers.get("link")
        assert "content-length" not in again.headers and "content-type" not in again.headers
    for condition in (f'"{tag}', tag[:-2] + '"', tag.removeprefix('W/"').removesuffix('"')):
        assert served.client.request("GET", spec.path, {**spec.send, "if-none-match": condition}).status == 200


@pytest.mark.parametrize("duration", ["P7000Y", "P9000Y", "-P2500Y", "-P9000Y", "P999999999D"])
def test_a_duration_that_one_database_cannot_store_finds_nothing(served: Served, duration: str) -> None:
    """SQLite keeps durations as moments, and refuses what leads out of the years 1 to 9999; neither fails."""
    answer = served.client.get(f"/samples?span={duration}")
    if answer.status == 200:
        assert answer.json() == []
    else:
        assert (answer.status, answer.json()["errors"][0]["type"]) == (422, "out_of_range")


def test_every_spec_has_a_name_of_its_own() -> None:
    """A failure names one spec."""
    names = [spec.name for spec in SPECS]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})


def _without_id(body: bytes) -> object:
    """The body to the byte; of a problem, everything but the id of its request, in its order."""
    if b'"request_id"' not in body:
        return body
    return [(name, value) for name, value in json.loads(body).items() if name != "request_id"]
