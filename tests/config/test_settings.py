"""Settings: which place comes before which, what is said of a wrong value, and with what production does not begin."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import Field

import onetrip
from onetrip import API, ConfigurationError, Limits, Pool, add_docs
from onetrip.cli.configuration import Settings as Said
from onetrip.cli.configuration import choose_database
from onetrip.cli.settings import show
from onetrip.cli.target import parse_target
from onetrip.config import SECRETS_VARIABLE, Unsafe
from onetrip.db.url import parse_url
from tests.schema.serving import base

SECRET = "a1b2c3d4" * 5


class Task(base(), table=True):  # type: ignore[misc]
    id: int | None = Field(default=None, primary_key=True)


class Settings(onetrip.Settings):
    database_url: str | None = "sqlite:///code.db"
    pool: Pool = Pool(timeout=9.0)
    stripe_key: SecretStr = SecretStr("sk_test_code")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder without `.env`, and a log level that comes back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONETRIP_ENVIRONMENT", raising=False)
    logger = logging.getLogger("onetrip")
    level = logger.level
    yield tmp_path
    logger.setLevel(level)


def test_what_is_nearer_to_the_deployment_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code, then a file of secrets, then `.env`, then the environment; an empty variable is none."""
    assert Settings().database_url == "sqlite:///code.db"
    assert Settings(database_url="sqlite:///given.db").database_url == "sqlite:///given.db"
    (folder / "secrets").mkdir()
    (folder / "secrets" / "onetrip_database_url").write_text("sqlite:///secret.db")
    monkeypatch.setenv(SECRETS_VARIABLE, "secrets")
    assert Settings(database_url="sqlite:///given.db").database_url == "sqlite:///secret.db"
    (folder / ".env").write_text("ONETRIP_DATABASE_URL=sqlite:///dotenv.db\nSTRIPE_KEY=sk_live\nOTHER=1\n")
    assert Settings().database_url == "sqlite:///dotenv.db"
    assert Settings().stripe_key.get_secret_value() == "sk_live"
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "sqlite:///environment.db")
    assert Settings(database_url="sqlite:///given.db").database_url == "sqlite:///environment.db"
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "")
    assert Settings().database_url == "sqlite:///dotenv.db"


def test_a_variable_changes_one_option_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others stay as the code has them; a name of an application's own variable is none of onetrip's."""
    monkeypatch.setenv("ONETRIP_POOL__SIZE", "20")
    monkeypatch.setenv("ONETRIP_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    monkeypatch.setenv("DEBUG", "1")
    found = Settings(limits=Limits(depth=2))
    assert (found.pool, found.limits, found.workers, found.debug) == (
        Pool(size=20, timeout=9.0),
        Limits(depth=2),
        3,
        False,
    )
    assert found.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ONETRIP_POOL__SIZ", "1", "ONETRIP_POOL: there is no 'siz'. Did you mean 'size'?"),
        (
            "ONETRIP_POOL__SIZE", "pw",
            "ONETRIP_POOL__SIZE: Input should be a valid integer, unable to parse string as an integer.",
        ),
        ("ONETRIP_DATABASE_URL", "mysql://u:pw@h/x", "The database 'mysql' is not supported: use sqlite:/// or postgresql://."),
        (
            "ONETRIP_ENVIRONMENT", "pw",
            "ONETRIP_ENVIRONMENT: Input should be 'development', 'test', 'staging' or 'production'.",
        ),
        ("ONETRIP_WORKERS", "0", "ONETRIP_WORKERS: Input should be greater than or equal to 1."),
        (SECRETS_VARIABLE, "nowhere", "ONETRIP_SECRETS_DIR: there is no folder 'nowhere'."),
        (
            "ONETRIP_POOL", "{pw",
            'The settings cannot be read: error parsing value for field "pool" from source "EnvSettingsSource".',
        ),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    """It names the variable, and not the value, which may be a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        Settings()
    assert str(caught.value) == said


def test_what_is_missing_or_not_there_is_named() -> None:
    """A field without a default has to be set, and a name has to be that of a field."""

    class Needs(onetrip.Settings):
        stripe_key: SecretStr

    with pytest.raises(ConfigurationError, match=r"^STRIPE_KEY is not set\.$"):
        Needs()
    with pytest.raises(ConfigurationError, match=r"Settings has no 'databse_url'. Did you mean 'database_url'\?"):
        Settings(databse_url="sqlite://")


def test_an_api_takes_what_a_deployment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that were left alone leave the code alone; `ONETRIP_DATABASE_URL` comes before all."""
    api = API(Task, settings=Settings(), pool=Pool(size=5), limits=Limits(depth=1))
    assert (api.database.url, api.database.pool.size, api.limits.depth) == (parse_url("sqlite:///code.db"), 5, 1)
    monkeypatch.setenv("ONETRIP_POOL__SIZE", "7")
    monkeypatch.setenv("ONETRIP_LIMITS__DEPTH", "2")
    api = API(Task, settings=Settings(), pool=Pool(size=5), limits=Limits(depth=1))
    assert (api.database.pool, api.limits.depth) == (Pool(size=7, timeout=9.0), 2)
    settings = Settings()
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "sqlite:///late.db")
    assert API(Task, settings=settings).database.url == parse_url("sqlite:///late.db")


def test_cursors_are_signed_with_the_secret_of_the_settings() -> None:
    """What one API signed, another one with the same secret reads, and one with another secret does not."""
    keys = [
        API(Task, settings=Settings(secret=SecretStr(secret)), database="sqlite://").pipeline.cursors.tags.digest()
        for secret in (SECRET, SECRET, SECRET[::-1])
    ]
    assert keys[0] == keys[1] != keys[2]


def test_an_application_is_made_as_the_settings_say() -> None:
    """Documents, their page, CORS and the log level."""
    settings = Settings(docs=False, cors_origins="https://a.example", log_level="info", database_url="sqlite://")
    api = API(Task, settings=settings)
    app = FastAPI(lifespan=api.lifespan, **settings.application)
    app.include_router(api.router)
    add_docs(app)
    with TestClient(app) as client:
        answer = client.get("/livez", headers={"Origin": "https://a.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert [client.get(path).status_code for path in ("/openapi.json", "/docs", "/redoc")] == [404] * 3
    assert logging.getLogger("onetrip").level == logging.INFO
    shown = FastAPI(**Settings().application)
    add_docs(shown)
    with TestClient(shown) as client:
        assert [client.get(path).status_code for path in ("/openapi.json", "/docs", "/redoc")] == [200, 200, 404]


SAFE = {
    "ONETRIP_ENVIRONMENT": "Production", "ONETRIP_SECRET": SECRET, "STRIPE_KEY": "sk_live_f00",
    "ONETRIP_DATABASE_URL": "sqlite:///app.db",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        (
            {"ONETRIP_DEBUG": "1"},
            "ONETRIP_DEBUG is on, which shows tracebacks to everybody: leave it out in production.",
        ),
        (
            {"WEB_CONCURRENCY": "4"},
            "4 workers would write to one SQLite file, which has one writer at a time: serve it with one"
            " (ONETRIP_WORKERS=1), or use PostgreSQL.",
        ),
        ({"WEB_CONCURRENCY": "4", "ONETRIP_DATABASE_URL": "postgresql://localhost/app"}, None),
        (
            {"ONETRIP_DATABASE_URL": "sqlite://"},
            "The database is in memory and ends with the process: set ONETRIP_DATABASE_URL in production.",
        ),
        (
            {"ONETRIP_SECRET": ""},
            "ONETRIP_SECRET is not set: make one with python -c 'import secrets; print(secrets.token_urlsafe())'.",
        ),
        ({"ONETRIP_SECRET": SECRET[:20]}, "ONETRIP_SECRET has 20 characters, and needs 32 in production."),
        (
            {"ONETRIP_SECRET": "change-me-" * 4},
            "ONETRIP_SECRET looks like a placeholder: set one that nobody can guess.",
        ),
        (
            {"STRIPE_KEY": ""},
            "STRIPE_KEY is what stands in the code, which others have read: set it in production.",
        ),
        ({"ONETRIP_CORS_ORIGINS": "*"}, None),
        (
            {"ONETRIP_CORS_ORIGINS": "*", "ONETRIP_CORS_CREDENTIALS": "1"},
            "ONETRIP_CORS_ORIGINS=* with ONETRIP_CORS_CREDENTIALS lets every page of the web act for those who are"
            " logged in: name the origins.",
        ),
    ],
)  # fmt: skip
def test_production_refuses_what_is_unsafe(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str | None
) -> None:
    """In one sentence each; elsewhere the same is taken."""
    for name, value in (SAFE | change).items():
        monkeypatch.setenv(name, value)
    if said is None:
        API(Task, settings=Settings())
    else:
        with pytest.raises(Unsafe) as caught:
            API(Task, settings=Settings())
        assert str(caught.value) == said
    monkeypatch.setenv("ONETRIP_ENVIRONMENT", "staging")
    API(Task, settings=Settings())


CODE = """
from pydantic import SecretStr
from sqlmodel import Field, SQLModel
from sqlalchemy.orm import registry
import onetrip

class Settings(onetrip.Settings):
    workers: int = 2
    stripe_key: SecretStr = SecretStr("none")

class Base(SQLModel, registry=registry()):
    pass

class Task(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)

api = onetrip.API(Task, settings=Settings())
"""


def test_settings_are_printed_with_their_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without secrets; and what production refuses is said below, with exit code 1."""
    (folder / "printed_shop.py").write_text(CODE)
    (folder / ".env").write_text("STRIPE_KEY=sk_live\n")
    (folder / "run").mkdir()
    (folder / "run" / "ONETRIP_SECRET").write_text("short-but-not-too-short")
    monkeypatch.setenv(SECRETS_VARIABLE, "run")
    monkeypatch.setenv("ONETRIP_POOL__SIZE", "20")
    monkeypatch.setenv("ONETRIP_POL__SIZE", "20")
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "postgresql://ada:pw@localhost/shop")
    monkeypatch.setenv("ONETRIP_ENVIRONMENT", "production")
    target = parse_target("printed_shop.py")
    assert show(target, None) == 1
    said = capsys.readouterr()
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines() if line and not line.startswith("Note"))
    assert {name: " ".join(lines[name].split()) for name in (
        "ONETRIP_DATABASE_URL", "ONETRIP_POOL__SIZE", "ONETRIP_POOL__TIMEOUT", "ONETRIP_WORKERS", "ONETRIP_SECRET",
        "STRIPE_KEY", "ONETRIP_CORS_ORIGINS",
    )} == {
        "ONETRIP_DATABASE_URL": "postgresql://ada:***@localhost/shop environment",
        "ONETRIP_POOL__SIZE": "20 environment",
        "ONETRIP_POOL__TIMEOUT": "2.0 default",
        "ONETRIP_WORKERS": "2 code",
        "ONETRIP_SECRET": "******** file in run",
        "STRIPE_KEY": "******** .env",
        "ONETRIP_CORS_ORIGINS": "- default",
    }  # fmt: skip
    assert "Note: ONETRIP_POL__SIZE is set and read by nothing. Did you mean 'ONETRIP_POOL__SIZE'?" in said.out
    assert said.err == "Error: ONETRIP_SECRET has 23 characters, and needs 32 in production.\n"
    monkeypatch.setenv("ONETRIP_ENVIRONMENT", "test")
    assert show(target, "sqlite:///option.db") == 0
    assert "sqlite:///option.db" in capsys.readouterr().out
    assert show(None, None) == 0


def test_the_command_line_reads_dotenv_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the environment and before `pyproject.toml`."""
    (folder / "models.py").touch()
    (folder / ".env").write_text("ONETRIP_DATABASE_URL=sqlite:///dotenv.db\n")
    target, said = parse_target("models.py"), Said(database="sqlite:///pyproject.db")
    assert choose_database(None, target, said) == "sqlite:///dotenv.db"
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "sqlite:///environment.db")
    assert choose_database(None, target, said) == "sqlite:///environment.db"
