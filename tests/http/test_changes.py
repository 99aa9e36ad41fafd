"""Writing over HTTP, spec by spec, on both databases: answers, headers, statements on the wire, and what is stored."""

import json
from itertools import chain

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import Mount

from tests.http.client import Answer, Client
from tests.http.conftest import Written
from tests.http.reads import Guard
from tests.http.specs import badinput, changing, creating
from tests.http.specs.change import Change
from tests.support.counting import count_statements

SPECS = list(chain(creating.SPECS, changing.SPECS, badinput.SPECS))

specs = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


@specs
def test_change(written: Written, spec: Change) -> None:
    """The answer is the expected one, for the expected number of statements, and so is what is stored."""
    before = written.contents.read()
    with count_statements(written.backend, written.api) as statements:
        answer = spec.request(written.client)
    spec.verify(answer)
    spec.verify_stored(before, written.contents.read())
    wanted = spec.on_sqlite if written.backend.name == "sqlite" and spec.on_sqlite is not None else spec.statements
    assert len(statements) == wanted, statements


REACHING = [spec for spec in SPECS if spec.statements]
"""Those that the database is asked about."""


def _same(answer: Answer) -> tuple[int, object, object]:
    """What is equal of two answers to one request."""
    if b'"request_id"' not in answer.body:
        return answer.status, answer.headers, answer.body
    problem = json.loads(answer.body)
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status, headers, [(name, value) for name, value in problem.items() if name != "request_id"]


@pytest.mark.parametrize("spec", REACHING, ids=lambda spec: spec.name)
def test_both_databases_answer_the_same(
    written_on_sqlite: Written, written_on_postgresql: Written, spec: Change
) -> None:
    """Status, headers and body are equal to the byte, but for the id of a refused request."""
    answers = []
    for written in (written_on_sqlite, written_on_postgresql):
        written.contents.reset()
        answers.append(spec.request(written.client))
    assert _same(answers[0]) == _same(answers[1])


@pytest.fixture(scope="module")
def ways(written_on_sqlite: Written) -> dict[str, tuple[Client, str]]:
    """Applications that serve the tables in every way there is, and under which prefix."""
    api = written_on_sqlite.api
    applications = {name: FastAPI(exception_handlers=dict(api.exception_handlers)) for name in ("guarded", "nested")}
    applications["guarded"].include_router(api.router, dependencies=[Depends(Guard())])
    around = APIRouter(prefix="/v1")
    around.include_router(api.router, prefix="/{tenant}")
    applications["nested"].include_router(around, prefix="/api")
    applications["mounted"] = FastAPI(routes=[Mount("/mounted", app=api.router)])
    prefixes = {"guarded": "", "nested": "/api/v1/acme", "mounted": "/mounted"}
    runner = written_on_sqlite.client.runner
    return {name: (Client(app, runner), prefixes[name]) for name, app in applications.items()}


@pytest.mark.parametrize("way", ["guarded", "nested", "mounted"])
@pytest.mark.parametrize(
    "spec",
    [spec for number, spec in enumerate(SPECS) if spec.statements or not number % 10],
    ids=lambda spec: spec.name,
)
def test_every_way_in_answers_the_same(
    written_on_sqlite: Written, ways: dict[str, tuple[Client, str]], way: str, spec: Change
) -> None:
    """Behind dependencies, under a prefix or mounted: one answer, whose `Location` can be followed."""
    if way == "mounted" and "%0A" in spec.path:
        pytest.skip("Starlette's own Mount does not match a line break")
    client, prefix = ways[way]
    written_on_sqlite.contents.reset()
    expected = spec.request(written_on_sqlite.client)
    written_on_sqlite.contents.reset()
    answer = spec.request(client, prefix)
    location = answer.headers.get("location")
    headers = {**expected.headers, **({"location": prefix + expected.headers["location"]} if location else {})}
    assert _same(answer) == _same(Answer(expected.status, headers, expected.body))
    if location:
        assert client.get(location).status == 200


def test_every_spec_has_a_name_of_its_own() -> None:
    """A failure names one spec."""
    names = [spec.name for spec in SPECS]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
