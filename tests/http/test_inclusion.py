"""The router inside applications: every place it can stand in, and what can be attached to it there."""

from typing import Annotated, Any
from urllib.parse import unquote

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.routing import Mount

from onetrip import API
from tests.http.client import serving
from tests.http.reads import ALL, GENERATED, READS, Guard, refuse, titles
from tests.support import blog
from tests.support.counting import count_statements
from tests.support.databases import Backend

# -- where it stands


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1", "/posts", "/v-1.0~x", "/%C3%BCbung"])
@pytest.mark.parametrize("guarded", [False, True])
def test_a_prefix(api: API, prefix: str, guarded: bool) -> None:
    """Everything is below the prefix, and nothing where the prefix is only the beginning of a word."""
    app = FastAPI()
    app.include_router(api.router, prefix=unquote(prefix), dependencies=[Depends(Guard())] if guarded else None)
    with serving(app) as client:
        for path in READS:
            assert client.get(prefix + path).status == 200
        assert client.get(f"{prefix}/posts?limit=2").headers["link"].count("/posts?limit=2") == 2
        for path in ("/posts", "/nothing"):
            if prefix != path:
                assert client.get(path).status == 404
        for path in (
            f"{prefix}x/posts",
            f"{prefix}posts",
            f"{prefix}x/posts/1",
            f"{prefix}/x/posts",
            f"{prefix}//posts",
        ):
            assert client.get(path).status == 404


def test_links_carry_the_prefix(api: API) -> None:
    """A page's links can be followed as they are."""
    app = FastAPI()
    app.include_router(api.router, prefix="/v1")
    with serving(app) as client:
        first, following = client.get("/v1/posts?limit=2").headers["link"].split(", ")
        assert first == '</v1/posts?limit=2>; rel="first"'
        assert following.startswith("</v1/posts?limit=2&after=")
        page = client.get(following[1 : following.index(">")])
        assert (page.status, [row["id"] for row in page.json()]) == (200, [3, 4])


@pytest.mark.parametrize(
    ("root_path", "path", "first"),
    [
        ("", "/posts", "/posts"),
        ("/proxied", "/posts", "/proxied/posts"),
        ("/proxied", "/proxied/posts", "/proxied/posts"),
        ("/po", "/posts", "/po/posts"),
        ("/posts", "/posts", None),
        ("/ä b", "/posts", "/%C3%A4%20b/posts"),
    ],
)
def test_links_behind_a_proxy(api: API, root_path: str, path: str, first: str | None) -> None:
    """`root_path` is part of a link, whether the proxy has taken it from the path or not."""
    app = FastAPI()
    app.include_router(api.router)
    with serving(app, root_path=root_path) as client:
        answer = client.get(path)
        if first is None:  # the path is the root itself
            assert answer.status == 404
        else:
            assert answer.headers["link"] == f'<{first}>; rel="first"'


@pytest.mark.parametrize("raw_path", [{}, {"raw_path": None}], ids=["empty", "none"])
def test_a_server_that_keeps_no_raw_path(api: API, raw_path: dict[str, None]) -> None:
    """`raw_path` is optional in ASGI: without it the decoded path is all there is, and is escaped in links."""
    app = FastAPI()
    app.include_router(api.router, prefix="/ü")
    with serving(app) as client:
        scope = {"raw_path": b""} | raw_path
        answer = client.request("GET", "/%C3%BC/users/1/posts?limit=1", **scope)
        assert answer.headers["link"].startswith("</%C3%BC/users/1/posts?limit=1>; ")
        assert client.request("GET", "/%C3%BC/livez", **scope).status == 200


def test_a_prefix_with_a_parameter(api: API) -> None:
    """The parameter reaches dependencies with its type; one that does not fit is FastAPI's 422."""
    seen: list[tuple[int, str | None]] = []

    def tenant(tenant_id: int, id: str | None = None) -> None:
        seen.append((tenant_id, id))

    app = FastAPI()
    app.include_router(api.router, prefix="/tenants/{tenant_id}", dependencies=[Depends(tenant)])
    with serving(app) as client:
        assert titles(client.get("/tenants/7/posts")) == ALL
        assert client.get("/tenants/8/posts/1").json()["title"] == "Notes"
        assert (
            client.get("/tenants/9/users/1/posts?limit=1")
            .headers["link"]
            .startswith("</tenants/9/users/1/posts?limit=1>")
        )
        assert client.get("/tenants/x/posts").status == 422
        assert client.get("/tenants/posts").status == 404
    assert [found[0] for found in seen] == [7, 8, 9]


def test_a_prefix_with_a_parameter_and_no_dependency(api: API) -> None:
    """The parameter is a part of the path and nothing more."""
    app = FastAPI()
    app.include_router(api.router, prefix="/tenants/{tenant_id}")
    with serving(app) as client:
        assert titles(client.get("/tenants/7/posts")) == ALL
        assert client.get("/tenants/a%2Fb/posts").status == 404


def test_routers_around_the_router(api: API) -> None:
    """Prefixes add up, dependencies of every level run, outer ones first."""
    order: list[str] = []
    inner, outer = APIRouter(), APIRouter(prefix="/outer", dependencies=[Depends(lambda: order.append("outer"))])
    inner.include_router(api.router, prefix="/deep", dependencies=[Depends(lambda: order.append("deep"))])
    outer.include_router(inner, prefix="/inner", dependencies=[Depends(lambda: order.append("inner"))])
    app = FastAPI(dependencies=[Depends(lambda: order.append("app"))])
    app.include_router(outer, prefix="/v1")
    with serving(app) as client:
        for path in READS:
            order.clear()
            assert client.get(f"/v1/outer/inner/deep{path}").status == 200
            assert order == ["app", "outer", "inner", "deep"]
        assert client.get("/v1/outer/inner/posts").status == 404


def test_included_twice(api: API) -> None:
    """Each place has its own prefix and its own dependencies."""
    guard = Guard()
    app = FastAPI()
    app.include_router(api.router, prefix="/open")
    app.include_router(api.router, prefix="/closed", dependencies=[Depends(refuse)], include_in_schema=False)
    app.include_router(api.router, prefix="/counted", dependencies=[Depends(guard)], include_in_schema=False)
    with serving(app) as client:
        for path in READS:
            assert client.get(f"/open{path}").status == 200
            assert client.get(f"/closed{path}").status == 401
            assert client.get(f"/counted{path}").status == 200
            assert client.get(path).status == 404
            assert client.request("PUT", f"/open{path}").headers["content-type"] == "application/problem+json"
    assert guard.calls == len(READS)
    assert {path.split("/")[1] for path in app.openapi()["paths"]} == {"open"}


def test_two_apis_in_one_application(api: API, stored: Backend) -> None:
    """Two routers know their own paths, for methods that neither answers too."""
    users = API(blog.User, database=stored.url, read_only=True)
    posts = API(blog.Post, database=stored.url, read_only=True)
    app = FastAPI()
    app.include_router(users.router)
    app.include_router(posts.router)
    with serving(app) as client:
        assert client.get("/users/1").json()["username"] == "ada"
        assert titles(client.get("/posts")) == ALL
        for path in ("/users", "/posts"):
            answer = client.request("POST", path)
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_mounted_application(api: API) -> None:
    """Below a mount everything works, and links name the way from outside."""
    inner = FastAPI()
    inner.include_router(api.router, prefix="/v1")
    app = FastAPI(lifespan=api.lifespan)
    app.mount("/sub", inner)
    with serving(app) as client:
        for path in READS:
            assert client.get(f"/sub/v1{path}").status == 200
        assert client.get("/sub/v1/posts?limit=2&offset=2").headers["link"] == (
            '</sub/v1/posts?limit=2>; rel="first", </sub/v1/posts?limit=2>; rel="prev", '
            '</sub/v1/posts?limit=2&offset=4>; rel="next"'
        )
        assert client.get("/v1/posts").status == 404
        assert client.get("/sub/posts").status == 404


@pytest.mark.parametrize("outer", [FastAPI, Starlette])
def test_the_router_is_an_application_itself(api: API, outer: type[Starlette]) -> None:
    """Mounted as it is, also by an application that is not FastAPI's, the router answers for itself."""
    app = outer(routes=[Mount("/api", app=api.router)], lifespan=api.lifespan)
    with serving(app) as client:
        for path in READS:
            assert client.get(f"/api{path}").status == 200, path
        assert client.request("HEAD", "/api/posts").body == b""
        assert client.request("POST", "/api/posts").headers["allow"] == "GET, HEAD"
        assert client.get("/api/posts?limit=2").headers["link"].startswith("</api/posts?limit=2>")
        assert client.get("/api/users/%ff").status == 400
        assert client.get("/api/posts/x").status == 422
        assert client.get("/api/nothing").status == 404


# -- what is attached to it


@pytest.mark.parametrize("where", ["include", "router", "application"])
@pytest.mark.parametrize("path", [*READS, "/posts/x", "/posts?nonsense=1", "/posts/99", "/users/1%00"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_dependencies_run_before_any_statement(backend: Backend, where: str, path: str, method: str) -> None:
    """A dependency that refuses keeps the request from the database, and from any word about what is there."""
    backend.create(blog.metadata, *blog.rows())
    api = API(blog.User, blog.Post, blog.Comment, database=backend.url)
    refusing = [Depends(refuse)]
    app = FastAPI(dependencies=refusing if where == "application" else None)
    around = APIRouter(dependencies=refusing if where == "router" else None)
    around.include_router(api.router, dependencies=refusing if where == "include" else None)
    app.include_router(around)
    with serving(app) as client, count_statements(backend, api) as statements:
        answer = client.request(method, path)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.body == (b'{"detail":"who are you?"}' if method == "GET" else b"")
    assert not statements


@pytest.mark.parametrize("path", GENERATED)
def test_a_dependency_costs_no_statement(backend: Backend, path: str) -> None:
    """Behind a dependency a request is still one statement, and the dependency runs once."""
    backend.create(blog.metadata, *blog.rows())
    api, guard = API(blog.User, blog.Post, blog.Comment, database=backend.url), Guard()
    app = FastAPI()
    app.include_router(api.router, dependencies=[Depends(guard)])
    with serving(app) as client:
        client.get("/readyz")
        guard.calls = 0
        for method in ("GET", "HEAD"):
            with count_statements(backend, api) as statements:
                assert client.request(method, path).status == 200
            assert len(statements) == 1, statements
    assert guard.calls == 2


def test_a_dependency_reads_the_request(api: API) -> None:
    """Headers, the query string and the key of the path are there for a dependency, with FastAPI's own errors."""
    seen: list[Any] = []

    def look(request: Request, x_token: Annotated[str, Header()], limit: int = 0) -> None:
        seen.append((x_token, limit, request.path_params, request.scope["route"].path))

    app = FastAPI()
    app.include_router(api.router, dependencies=[Depends(look)])
    with serving(app) as client:
        assert client.get("/posts?limit=1").status == 422
        assert client.get("/posts?limit=1", x_token="a").status == 200
        assert client.get("/users/1/posts", x_token="b").status == 200
    assert seen == [("a", 1, {}, "/posts"), ("b", 0, {"id": "1"}, "/users/{id}/posts")]


def test_a_dependency_can_set_headers_and_be_closed(api: API) -> None:
    """A dependency with `yield` is closed; one that uses the API's session shares its database."""
    steps: list[str] = []

    async def opened() -> Any:
        steps.append("open")
        yield
        steps.append("close")

    async def somebody(session: Annotated[AsyncSession, Depends(api.session)]) -> None:
        steps.append((await session.exec(select(blog.User.username).order_by(blog.User.username))).first() or "nobody")

    app = FastAPI()
    app.include_router(api.router, dependencies=[Depends(opened), Depends(somebody)])
    with serving(app) as client:
        assert titles(client.get("/posts")) == ALL
    assert steps == ["open", "ada", "close"]


def test_dependencies_can_be_overridden(api: API) -> None:
    """`dependency_overrides` replaces what is attached, while the application runs too."""
    app = FastAPI()
    app.include_router(api.router, dependencies=[Depends(refuse)])
    with serving(app) as client:
        assert client.get("/posts").status == 401
        app.dependency_overrides[refuse] = lambda: None
        assert titles(client.get("/posts")) == ALL
        app.dependency_overrides.clear()
        assert client.get("/posts").status == 401


def test_tags_and_more_reach_the_schema(api: API) -> None:
    """What is given to `include_router` is in the OpenAPI of every generated operation."""
    app = FastAPI()
    app.include_router(
        api.router, prefix="/v1", tags=["blog"], deprecated=True, responses={418: {"description": "Tea"}}
    )
    operation = app.openapi()["paths"]["/v1/posts"]["get"]
    assert operation["tags"] == ["blog", "posts"] and operation["deprecated"] and "418" in operation["responses"]
