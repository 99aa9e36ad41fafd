"""Routes, mounts and routers of a user's own beside the generated ones."""

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from onetrip import API
from tests.http.client import serving
from tests.http.reads import ALL, titles


def _hand_written(app: FastAPI) -> None:
    @app.get("/users/me")
    def me() -> str:
        return "me"

    @app.get("/users/{id}/latest")
    def latest(id: int) -> str:
        return f"latest of {id}"

    @app.post("/users", status_code=201)
    def create() -> str:
        return "created"

    @app.delete("/users/{id}", status_code=204)
    def delete(id: int) -> None:
        return None

    @app.websocket("/posts")
    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("post")
        await socket.close()


@pytest.mark.parametrize("lifespan", [True, False])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_hand_written_routes(api: API, first: bool, lifespan: bool) -> None:
    """Hand-written routes stand beside generated ones; of two that match, the first wins, as always in FastAPI."""
    app = FastAPI()
    if first:
        _hand_written(app)
    app.include_router(api.router)
    if not first:
        _hand_written(app)
    with serving(app, lifespan=lifespan) as client:
        me = client.get("/users/me")
        assert me.json() == "me" if first else me.status == 422
        assert client.get("/users/1/latest").json() == "latest of 1"
        assert client.get("/users/1").json()["username"] == "ada"
        assert client.get("/users?limit=1").json()[0]["username"] == "ada"
        assert titles(client.get("/posts")) == ALL
        assert client.request("POST", "/users").json() == "created"
        assert client.request("DELETE", "/users/1").status == 204
        assert client.request("PUT", "/users/1").status == 405
        assert client.get("/users/1/nothing").status == 404
    with TestClient(app) as http, http.websocket_connect("/posts") as socket:
        assert socket.receive_text() == "post"


def test_a_route_added_to_a_running_application(api: API) -> None:
    """A route that is added later stands behind those that were there."""
    app = FastAPI()
    app.include_router(api.router)
    with serving(app) as client:
        assert client.get("/users/1/latest").status == 404
        _hand_written(app)
        assert client.get("/users/1/latest").json() == "latest of 1"
        assert client.get("/users/me").status == 422


@pytest.mark.parametrize("lifespan", [True, False])
@pytest.mark.parametrize("path", ["/{rest:path}", "/{first}/{rest:path}", "/posts", "/{name}", "/p{rest}"])
def test_a_route_before_the_router_wins(api: API, path: str, lifespan: bool) -> None:
    """A route that stands before the router and matches has the request, however it is written."""
    app = FastAPI()

    @app.get(path)
    def catch() -> str:
        return "caught"

    app.include_router(api.router)
    with serving(app, lifespan=lifespan) as client:
        caught = client.get("/posts/1" if path.count("/") > 1 or ":path" in path else "/posts")
        assert caught.json() == "caught"


@pytest.mark.parametrize("lifespan", [True, False])
@pytest.mark.parametrize(
    ("mounted", "prefix"), [("/posts", ""), ("", ""), ("/v1", "/v1"), ("/v1", "/v1/api"), ("", "/v1")]
)
def test_a_mount_before_the_router_wins(api: API, mounted: str, prefix: str, lifespan: bool) -> None:
    """A mounted application has everything below it, when it stands first."""
    app = FastAPI()
    app.mount(mounted, PlainTextResponse("mounted"))
    app.include_router(api.router, prefix=prefix)
    with serving(app, lifespan=lifespan) as client:
        assert client.get(f"{prefix}/posts/1").body == b"mounted"


def test_routes_that_a_user_adds_to_the_router(api: API) -> None:
    """Hand-written routes, other methods of generated paths, routers and mounts, before inclusion and after."""
    calls: list[str] = []

    @api.router.get("/stats")
    def stats() -> str:
        return "stats"

    @api.router.post("/posts", dependencies=[Depends(lambda: calls.append("post"))])
    def create() -> str:
        return "created"

    app = FastAPI()
    app.include_router(api.router, prefix="/v1", dependencies=[Depends(lambda: calls.append("all"))])
    more = APIRouter()

    @api.router.put("/posts/{id}")
    def replace(id: int) -> str:
        return f"replaced {id}"

    @more.get("/more")
    def further() -> str:
        return "more"

    api.router.include_router(more)
    api.router.add_route("/plain", lambda request: PlainTextResponse("plain"))
    api.router.mount("/mounted", Starlette(routes=[Route("/x", lambda request: PlainTextResponse("x"))]))
    with serving(app) as client:
        assert client.get("/v1/stats").json() == "stats"
        assert client.request("POST", "/v1/posts").json() == "created"
        assert calls == ["all", "all", "post"]
        assert client.request("PUT", "/v1/posts/3").json() == "replaced 3"
        assert client.get("/v1/more").json() == "more"
        assert client.get("/v1/plain").body == b"plain"
        assert client.get("/v1/mounted/x").body == b"x"
        assert titles(client.get("/v1/posts")) == ALL
        assert client.get("/v1/posts/1").json()["id"] == 1
        assert client.request("DELETE", "/v1/posts/1").status == 405
        assert client.request("POST", "/v1/users").status == 405
        assert client.get("/v1/nothing").status == 404
        assert client.get("/stats").status == 404


@pytest.mark.parametrize("lifespan", [True, False])
def test_a_trailing_slash_is_redirected(api: API, lifespan: bool) -> None:
    """As with any route of FastAPI's; the query string is kept, an application that wants none gets none."""
    app = FastAPI()
    app.include_router(api.router, prefix="/v1")
    with serving(app, lifespan=lifespan) as client:
        for path in ("/v1/posts", "/v1/posts/1", "/v1/users/1/posts"):
            answer = client.get(f"{path}/?limit=1")
            assert (answer.status, answer.headers["location"]) == (307, f"http://test{path}?limit=1")
        assert client.get("/v1/nothing/").status == 404
        assert client.get("/v1/").status == 404
    strict = FastAPI(redirect_slashes=False)
    strict.include_router(api.router)
    with serving(strict, lifespan=lifespan) as client:
        assert client.get("/posts/").status == 404


def test_routes_have_names(api: API) -> None:
    """`url_for` finds generated routes by their operation ids, prefix included."""
    app = FastAPI()
    app.include_router(api.router, prefix="/v1")
    assert app.url_path_for("list_posts") == "/v1/posts"
    assert app.url_path_for("get_post", id="7") == "/v1/posts/7"
    assert app.url_path_for("list_user_posts", id="7") == "/v1/users/7/posts"
