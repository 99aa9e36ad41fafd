"""An API that is no application yet gets documentation without internet, and a list of what is there."""

import re
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API
from onetrip.cli.application import application
from tests.support import blog


def test_the_documentation_needs_no_internet() -> None:
    """The page loads its script and style from here, only those two files are served, and a policy forbids others."""
    with TestClient(application(API(blog.User, database="sqlite://"), "Blog & more"), root_path="/shop") as client:
        answer = client.get("/shop/docs")
        assets = [client.get(f"/shop/docs/assets/{name}") for name in ("swagger-ui-bundle.js", "swagger-ui.css")]
        others = [client.get(f"/shop/docs/assets/{name}") for name in ("redoc.standalone.js", "..%2Fcore.py")]
    assert re.findall(r'(?:src|href)="([^"]*)"', answer.text) == [
        "/shop/docs/assets/swagger-ui.css", "data:,", "/shop/docs/assets/swagger-ui-bundle.js",
    ]  # fmt: skip
    assert "http" not in answer.text
    assert "<title>Blog &amp; more</title>" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert [len(asset.content) > 100_000 for asset in assets] == [True, True]
    assert [asset.headers["content-type"].partition(";")[0] for asset in assets] == ["text/javascript", "text/css"]
    assert [other.status_code for other in others] == [404, 404]


def test_the_root_lists_what_is_served() -> None:
    """Whoever opens the address finds the documentation and every resource; the rest is a problem."""
    with TestClient(application(API(blog.User, blog.Post, database="sqlite://"), "Blog")) as client:
        assert client.get("/").json() == {
            "title": "Blog",
            "docs": "/docs",
            "openapi": "/openapi.json",
            "resources": {"users": "/users", "posts": "/posts"},
        }
        assert client.get("/openapi.json").json()["info"]["title"] == "Blog"
        missing = client.get("/nothing")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_tables_called_like_the_documentation_keep_their_path(tmp_path: Path) -> None:
    """A table `docs` is served at `/docs`; the documentation moves."""

    class Base(SQLModel, registry=registry()):
        pass

    class Doc(Base, table=True):
        __tablename__ = "docs"
        id: int | None = Field(default=None, primary_key=True)

    with TestClient(application(API(Doc, database=f"sqlite:///{tmp_path / 'empty.db'}"), "Docs")) as client:
        assert client.get("/").json()["docs"] == "/_docs"
        assert "swagger" in client.get("/_docs").text
        assert client.get("/docs").headers["content-type"] != "text/html"
        assert "/docs" in client.get("/openapi.json").json()["paths"]
