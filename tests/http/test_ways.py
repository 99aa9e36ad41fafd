"""Every way into the router gives the same answers."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import Mount

from tests.http.client import Client
from tests.http.conftest import Served
from tests.http.reads import Guard
from tests.http.specs.spec import Spec
from tests.http.test_specs import SPECS


@pytest.fixture(scope="module")
def ways(on_sqlite: Served) -> Iterator[dict[str, Client]]:
    """Applications that serve the world of the specs in every way there is."""
    api = on_sqlite.api
    handlers = api.exception_handlers
    routed, guarded, nested = (FastAPI(exception_handlers=handlers) for _ in range(3))
    routed.include_router(api.router)
    guarded.include_router(api.router, dependencies=[Depends(Guard())])
    around = APIRouter()
    around.include_router(api.router)
    nested.include_router(around)
    mounted = FastAPI(exception_handlers=handlers, routes=[Mount("/", app=api.router)])
    runner = on_sqlite.client.runner
    apps = {"routed": routed, "guarded": guarded, "nested": nested, "mounted": mounted}
    yield {name: Client(app, runner) for name, app in apps.items()}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_way_in_answers_the_same(on_sqlite: Served, ways: dict[str, Client], spec: Spec) -> None:
    """Straight from the start, through FastAPI's router, behind dependencies, nested or mounted: one answer."""
    for method in {spec.method, "HEAD"}:
        expected = on_sqlite.client.request(method, spec.path, spec.send)
        for name, client in ways.items():
            if name == "mounted" and "%0A" in spec.path:
                continue  # Starlette's own Mount does not match a line break
            answer = client.request(method, spec.path, spec.send)
            assert (answer.status, answer.headers) == (expected.status, expected.headers), name
            if expected.status < 400:
                assert answer.body == expected.body, name
