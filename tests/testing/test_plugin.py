"""The plugin in a project, once and small: on PostgreSQL, in two workers that do not meet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import Server

PROJECT = {
    "pyproject.toml": """
        [tool.onetrip]
        app = "shop.main:app"
        [tool.pytest.ini_options]
        addopts = "--onetrip-database=postgresql"
        filterwarnings = ["error"]
    """,
    "shop/__init__.py": "",
    "shop/main.py": """
        import os
        from fastapi import FastAPI, Request
        from sqlmodel import Field, SQLModel
        from onetrip import API, Settings

        class Item(SQLModel, table=True):
            id: int | None = Field(default=None, primary_key=True)
            name: str = Field(unique=True)

        settings = Settings()
        api = API(Item, settings=settings)
        app = FastAPI(lifespan=api.lifespan, exception_handlers=dict(api.exception_handlers), **settings.application)
        app.include_router(api.router)

        @app.get("/me")
        def me(request: Request) -> str:
            return request.headers["X-User"]
    """,
    "conftest.py": """
        import pytest
        from shop.main import settings  # before any fixture: the database is chosen by then

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        def authenticate():
            return lambda user: {"X-User": user}
    """,
    "test_shop.py": """
        import asyncio
        import pytest
        from shop.main import Item, settings

        @pytest.mark.parametrize("number", range(3))
        def test_rows_are_new(client, factory, assert_statements, number):
            assert settings.environment == "test" and settings.database_url.startswith("postgresql://")
            assert factory.make(Item, name="same").id == 1
            with assert_statements(1):
                assert client.get("/items").json() == [{"id": 1, "name": "same"}]
            assert client.post("/items", json=factory.body(Item)).status_code == 201

        @pytest.mark.anyio
        @pytest.mark.parametrize("number", range(3))
        async def test_requests_at_once(api_client, as_user, number):
            answers = await asyncio.gather(*(api_client.post("/items", json={"name": f"{n}"}) for n in range(4)))
            assert sorted(answer.json()["id"] for answer in answers) == [1, 2, 3, 4]
            assert (await as_user("ada").get("/me")).json() == "ada"

        def test_contract(contract):
            contract.check()
    """,
}


def lines(text: str) -> str:
    """Take the margin away."""
    return "\n".join(line.removeprefix(" " * 8) for line in text.split("\n")).lstrip()


@pytest.mark.no_cover
def test_a_project_is_tested_side_by_side(server: Server, tmp_path: Path) -> None:
    """Every fixture, without a warning; and no database is left."""
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(lines(text), encoding="utf-8")
    environment = os.environ | {"ONETRIP_TEST_DATABASE_URL": server.url(), "PYTHONPATH": str(tmp_path)}
    for name in ("PYTEST_XDIST_WORKER", "ONETRIP_DATABASE_URL", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-p", "no:schemathesis",
        "--basetemp", str(tmp_path / "temporary"), "--onetrip-update-contract",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout
    assert '"/items"' in (tmp_path / "contract.json").read_text()
    engine = server.process
    assert "onetrip_test_" not in engine.psql("SELECT datname FROM pg_database")
