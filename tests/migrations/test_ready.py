"""`/readyz` of an API that knows its migrations: no requests before they are applied, and none refused after."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from starlette.testclient import TestClient

from onetrip import API
from onetrip.errors import ConfigurationError
from onetrip.migrations.run import up
from tests.migrations import histories
from tests.migrations.test_run import CHAIN, execute
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Thing(Base, table=True):
    id: int = Field(primary_key=True)


def ready(api: API) -> tuple[int, str]:
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    with TestClient(app) as client:
        answer = client.get("/readyz")
    return answer.status_code, answer.text


def test_a_database_is_ready_at_the_head(backend: Backend, tmp_path: Path) -> None:
    """Not before; still when newer code has migrated it further."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    execute(backend, "CREATE TABLE other (id INTEGER)")

    def asked() -> tuple[int, str]:
        return ready(API(Thing, database=backend.url, migrations=tmp_path / "migrations"))

    status, text = asked()
    assert status == 503 and "not migrated to the revision that this code needs" in text
    up(project, "r2")
    assert asked()[0] == 503
    up(project)
    assert asked() == (200, '{"status":"ready"}')
    execute(backend, "UPDATE alembic_version SET version_num = 'newer'")
    assert asked()[0] == 200
    execute(backend, "DELETE FROM alembic_version")
    assert asked()[0] == 503
    assert ready(API(Thing, database=backend.url))[0] == 200


def test_a_folder_without_revisions_is_refused(tmp_path: Path) -> None:
    """When the API is made, and a revision that cannot be read as well."""
    with pytest.raises(ConfigurationError, match="there are no revisions"):
        API(Thing, database="sqlite:///x.db", migrations=tmp_path)
    histories.make(tmp_path, "sqlite://", {"r1": "x ="})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        API(Thing, database="sqlite:///x.db", migrations=str(tmp_path / "migrations"))
