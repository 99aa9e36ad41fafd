"""What stands in the environment and in `pyproject.toml`, for what was left out on the command line."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from onetrip.app import DATABASE_VARIABLE
from onetrip.cli.places import url_shown
from onetrip.cli.target import DatabaseTarget, Target, parse_target
from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError, nearest

APP_VARIABLE = "ONETRIP_APP"
"""The environment variable that names the target."""

ENVIRONMENT_VARIABLE = "ONETRIP_ENVIRONMENT"
"""The environment variable that says where this runs."""

PRODUCTION = ("production", "prod", "live")
_TABLE = "[tool.onetrip]"
_KEYS = ("app", "database")
_DOTENV = ".env"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `pyproject.toml` of the current folder says under `[tool.onetrip]`."""

    app: str | None = None
    database: str | None = None


def environment() -> str:
    """Answer where this runs, by the environment variable: development, if it says nothing."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "").lower() or "development"


def read_settings() -> Settings:
    """Read `pyproject.toml` in the current folder.

    Raises `ConfigurationError` for what cannot be read, and for a setting that does not exist.
    """
    path = Path("pyproject.toml")
    if not path.is_file():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("onetrip", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"pyproject.toml cannot be read: {error}.") from error
    for key, value in table.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS) or f"Known are {' and '.join(_KEYS)}."
            raise ConfigurationError(f"pyproject.toml: there is no '{key}' under {_TABLE}. {hint}")
        if not isinstance(value, str):
            raise ConfigurationError(f"pyproject.toml: '{key}' under {_TABLE} is a text in quotes.")
    return Settings(**table)


def choose_target(text: str | None, settings: Settings) -> tuple[str, Target]:
    """Take the target from the command line, the environment, or `pyproject.toml`, and say what it is called."""
    if text:
        return _called(text, parse_target(text))
    for origin, value in ((APP_VARIABLE, os.environ.get(APP_VARIABLE)), (f"{_TABLE} app", settings.app)):
        if value:
            try:
                return _called(value, parse_target(value))
            except ConfigurationError as error:
                raise ConfigurationError(f"{origin}: {error}") from error
    raise ConfigurationError(
        "There is nothing to serve: name a file of tables, an application or a database, as in 'onetrip serve "
        f"models.py', or set 'app' under {_TABLE} in pyproject.toml."
    )


def names_target(text: str | None, settings: Settings) -> bool:
    """Say whether a target is named anywhere."""
    return bool(text or os.environ.get(APP_VARIABLE) or settings.app)


def _called(text: str, target: Target) -> tuple[str, Target]:
    """Call a target as it was written, but for a password."""
    return (url_shown(target.url) if isinstance(target, DatabaseTarget) else text), target


def choose_database(option: str | None, target: Target, settings: Settings) -> str | None:
    """Take the database from the command line, the environment, `.env`, or `pyproject.toml`; `None` is the code's.

    Raises `ConfigurationError` for a URL that cannot be read, and for two databases.
    """
    if isinstance(target, DatabaseTarget):
        if option is not None:
            raise ConfigurationError(
                f"The target {url_shown(target.url)} is a database already: leave --database out, or name tables."
            )
        return target.url.render_as_string(hide_password=False)
    origins = (
        ("--database", option), (DATABASE_VARIABLE, os.environ.get(DATABASE_VARIABLE)),
        (_DOTENV, _from_dotenv()), (f"{_TABLE} database", settings.database),
    )  # fmt: skip
    for origin, value in origins:
        if value:
            try:
                parse_url(value)
            except ConfigurationError as error:
                raise ConfigurationError(f"{origin}: {error}") from error
            return value
    return None


def _from_dotenv() -> str | None:
    """Read the variable from `.env` in the current folder, as `Settings` does."""
    if not Path(_DOTENV).is_file():
        return None
    from dotenv import dotenv_values  # with pydantic-settings

    return dotenv_values(_DOTENV).get(DATABASE_VARIABLE)
