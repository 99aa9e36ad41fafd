"""What stands around generated routes: middlewares, exception handlers, telemetry."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.testclient import TestClient
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Tracer, TracerProvider
from starlette.middleware.base import BaseHTTPMiddleware

from onetrip import API, Problem
from tests.http.client import serving
from tests.http.reads import GENERATED, Guard
from tests.support import blog


@pytest.mark.parametrize("lifespan", [True, False])
def test_middlewares(api: API, lifespan: bool) -> None:
    """Middlewares see generated answers as any others: compressed, with CORS headers, with the route in the scope."""
    seen: list[str] = []

    async def note(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        seen.append(getattr(request.scope.get("route"), "path", ""))
        response.headers["x-noted"] = "yes"
        return response

    app = FastAPI()
    app.include_router(api.router)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["https://example.com"])
    app.add_middleware(BaseHTTPMiddleware, dispatch=note)
    with serving(app, lifespan=lifespan) as client:
        for path in GENERATED:
            answer = client.get(path, accept_encoding="gzip", origin="https://example.com")
            assert answer.headers["content-encoding"] == "gzip" and answer.body[:2] == b"\x1f\x8b"
            assert answer.headers["access-control-allow-origin"] == "https://example.com"
            assert answer.headers["x-noted"] == "yes" and answer.headers["etag"].startswith("W/")
            assert client.get(path, if_none_match=answer.headers["etag"], accept_encoding="gzip").status == 304
            head = client.request("HEAD", path, {"origin": "https://example.com"})
            assert (head.status, head.body) == (200, b"")
        preflight = client.request(
            "OPTIONS", "/posts", {"origin": "https://example.com", "access-control-request-method": "GET"}
        )
        assert preflight.status == 200
    assert set(seen) == {"/posts", "/posts/{id}", "/users/{id}/posts", "/comments/{id}/author", ""}


def test_a_lifespan_of_the_users_own(api: API) -> None:
    """The application's lifespan runs as before, its state included, and the API's connections close after it."""
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        steps.append("start")
        yield {"greeting": "hello"}
        steps.append("stop")

    app = FastAPI(lifespan=lifespan)
    app.include_router(api.router)

    @app.get("/greeting")
    def greeting(request: Request) -> str:
        return str(request.state.greeting)

    with TestClient(app) as http:
        assert http.get("/greeting").json() == "hello"
        assert http.get("/posts/1").json()["title"] == "Notes"
    assert steps == ["start", "stop"]
    assert api.database._runner is None


def test_problems_of_the_application(api: API) -> None:
    """With our exception handlers an application's own errors are problems as well, and no body follows a 304."""
    app = FastAPI(exception_handlers=api.exception_handlers)
    app.include_router(api.router)

    @app.get("/raise/{status}")
    def fail(status: int) -> None:
        raise HTTPException(status, headers={"x-more": "yes"})

    with serving(app) as client:
        for path, status, title in (
            ("/nothing", 404, "Not Found"), ("/raise/x", 422, "Unprocessable Content"),
            ("/raise/403", 403, "Forbidden"),
            ("/raise/418", 418, "I'm a Teapot"), ("/raise/499", 499, "Error"),
            ("/raise/503", 503, "Service Unavailable"),
        ):  # fmt: skip
            answer = client.get(path)
            problem = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status, problem["status"], problem["title"]) == (status, status, title)
            assert problem["type"].startswith("urn:onetrip:problem:") and " " not in problem["type"]
        assert client.get("/raise/403").headers["x-more"] == "yes"
        assert client.request("POST", "/raise/1").headers["allow"] == "GET"
        assert client.get("/raise/304").body == b""


@pytest.mark.parametrize("lifespan", [True, False])
@pytest.mark.parametrize("guarded", [False, True])
def test_a_failure_of_ours_is_the_applications_to_handle(
    api: API, guarded: bool, lifespan: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What should never happen reaches the handlers that an application has for it."""

    async def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(api.pipeline, "read", fail)
    app = FastAPI()
    app.include_router(api.router, dependencies=[Depends(Guard())] if guarded else None)

    @app.exception_handler(RuntimeError)
    async def handle(request: Request, error: Exception) -> Response:
        return Response(f"handled {error} of {request.url.path}", 500)

    with serving(app, lifespan=lifespan) as client:
        answer = client.get("/posts/1")
        assert (answer.status, answer.body) == (500, b"handled a bug of /posts/1")


@pytest.mark.parametrize("guarded", [False, True])
def test_a_database_that_is_away(tmp_path: Path, guarded: bool) -> None:
    """Reads and readiness say 503 and when to come back; liveness, and what needs no database, are as ever."""
    api = API(blog.User, blog.Post, database=f"sqlite:///{tmp_path / 'nowhere' / 'blog.db'}")
    app = FastAPI()
    app.include_router(api.router, dependencies=[Depends(Guard())] if guarded else None)
    with serving(app) as client:
        for path in ("/posts", "/posts/1", "/posts?include=author", "/users/1/posts", "/readyz"):
            answer = client.get(path)
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert answer.headers["content-type"] == "application/problem+json"
            assert str(tmp_path) not in answer.body.decode() and "sqlite" not in answer.body.decode()
        statuses = [
            client.get(path).status for path in ("/livez", "/posts?x=1", "/posts/x", "/nothing", "/posts/99999999999")
        ]
        assert statuses == [200, 422, 422, 404, 404]
        assert client.request("DELETE", "/posts").status == 405


def test_problems_of_endpoints(api: API) -> None:
    """An endpoint may raise a problem of its own."""

    class Teapot(Problem):
        status, title, slug = 418, "I'm a Teapot", "teapot"

    app = FastAPI(exception_handlers=api.exception_handlers)

    @app.get("/tea")
    def tea() -> None:
        raise Teapot("No coffee here.", hint="Ask for tea.", headers={"X-Pot": "blue"})

    with serving(app) as client:
        answer = client.get("/tea")
        problem = answer.json()
        assert (answer.status, answer.headers["x-pot"]) == (418, "blue")
        assert problem["type"] == "urn:onetrip:problem:teapot" and problem["hint"] == "Ask for tea."


def test_several_validation_errors(api: API) -> None:
    """What FastAPI says without a full stop becomes a sentence, before the one that counts the others."""
    app = FastAPI(exception_handlers=api.exception_handlers)

    @app.get("/tea")
    def tea(cups: int, spoons: int) -> None: ...

    with serving(app) as client:
        problem = client.get("/tea").json()
        assert problem["detail"] == "Field required. There is 1 more error."
        assert [error["loc"] for error in problem["errors"]] == [["query", "cups"], ["query", "spoons"]]


class _Span(NonRecordingSpan):
    def __init__(self, name: str) -> None:
        super().__init__(SpanContext(1, 1, is_remote=False))
        self.names, self.attributes = [name], dict[str, Any]()

    def update_name(self, name: str) -> None:
        self.names.append(name)

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_attributes(self, attributes: Any) -> None:
        self.attributes.update(attributes)


class _Tracing(TracerProvider, Tracer):
    """Keeps the spans that FastAPI starts."""

    def __init__(self) -> None:
        self.spans: list[_Span] = []

    def get_tracer(self, *_: Any, **__: Any) -> Tracer:
        return self

    def start_span(self, name: str, *_: Any, **__: Any) -> Span:
        self.spans.append(_Span(name))
        return self.spans[-1]

    @contextmanager
    def start_as_current_span(self, name: str, *_: Any, **__: Any) -> Iterator[Span]:  # type: ignore[override]
        yield self.start_span(name)


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("lifespan", [True, False])
def test_telemetry_knows_the_route(api: API, guarded: bool, lifespan: bool) -> None:
    """FastAPI's own telemetry gets a span for each generated read, with the template of its route and its status."""
    tracing = _Tracing()
    app = FastAPI(telemetry={"tracer_provider": tracing})
    app.include_router(api.router, prefix="/v1", dependencies=[Depends(Guard())] if guarded else None)
    with serving(app, lifespan=lifespan) as client:
        for path, template, status in (
            ("/v1/posts", "/v1/posts", 200), ("/v1/posts/1", "/v1/posts/{id}", 200),
            ("/v1/posts/99", "/v1/posts/{id}", 404), ("/v1/users/1/posts", "/v1/users/{id}/posts", 200),
            ("/v1/livez", "/v1/livez", 200),
        ):  # fmt: skip
            tracing.spans.clear()
            assert client.get(path).status == status
            span = tracing.spans[0]
            assert span.names[-1] == f"GET {template}"
            assert span.attributes["http.route"] == template
            assert span.attributes["http.response.status_code"] == status
