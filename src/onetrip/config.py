"""Settings of a deployment, on pydantic-settings: secrets in files, `.env`, the environment → one frozen object.

What is nearer to the deployment comes first: the environment, then `.env`, then files of secrets, then the code. The
module costs time to import, so `onetrip.Settings` imports it when it is asked for.
"""

import dataclasses
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasGenerator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings.sources import SecretsSettingsSource
from sqlalchemy.engine import URL

from onetrip.db.url import is_memory, parse_url
from onetrip.errors import ConfigurationError, nearest
from onetrip.settings import Limits, Pool

SECRETS_VARIABLE = "ONETRIP_SECRETS_DIR"
"""The environment variable that names the folder of secrets, each in a file of the name of its variable."""

SECRETS_FOLDER = "/run/secrets"
"""Where Docker and its kin put secrets (https://docs.docker.com/compose/how-tos/use-secrets/)."""

_LEAST_SECRET = 32  # characters: `secrets.token_urlsafe()` makes 43
_PLACEHOLDERS = ("change", "example", "secret", "insecure", "default", "xxxx", "1234")
_SEEN_BY_SCRIPTS = ["ETag", "Link", "Location", "Retry-After", "X-Request-ID", "X-Total-Count"]

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


_OWN = frozenset({
    "environment", "debug", "database_url", "secret", "pool", "limits", "workers", "docs", "cors_origins",
    "cors_credentials", "log_level",
})  # fmt: skip


def _variables(name: str) -> str | AliasChoices:
    """Name the variables of a field: those of onetrip have a prefix, also where a subclass has another default."""
    if name == "workers":
        return AliasChoices("ONETRIP_WORKERS", "WEB_CONCURRENCY")
    return f"ONETRIP_{name.upper()}" if name in _OWN else name


class Settings(BaseSettings):
    """What differs from deployment to deployment; fields of your own are added in a subclass.

    Raises `ConfigurationError` for what cannot be read, in a sentence without the value of a secret.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_nested_delimiter="__", extra="ignore", frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True, use_attribute_docstrings=True,
        alias_generator=AliasGenerator(validation_alias=_variables),
    )  # fmt: skip

    environment: Literal["development", "test", "staging", "production"] = "development"
    """Where this runs. In production what is unsafe is refused."""

    debug: bool = False
    """FastAPI's `debug`: tracebacks as answers."""

    database_url: str | None = Field(default=None, repr=False)
    """The database, `sqlite:///app.db` or `postgresql://…`."""

    secret: SecretStr | None = None
    """What cursors are signed with."""

    pool: Pool = Pool()
    """Connections: `ONETRIP_POOL__SIZE=20`."""

    limits: Limits = Limits()
    """What one request may ask for: `ONETRIP_LIMITS__BODY=65536`."""

    workers: int = Field(default=1, ge=1)
    """How many processes serve."""

    docs: bool = True
    """Serve `/openapi.json`, and the pages that show it."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call the API, separated by commas."""

    cors_credentials: bool = False
    """Whether they may send cookies."""

    log_level: LogLevel = "WARNING"
    """From which level on onetrip's own messages are logged."""

    def __init__(self, **values: Any) -> None:
        named = {_first_alias(type(self), name): _plain(value) for name, value in values.items()}
        try:
            super().__init__(**named)
        except ValidationError as error:
            raise ConfigurationError(" ".join(_sentences(type(self), error))) from None
        except SettingsError as error:
            raise ConfigurationError(f"The settings cannot be read: {error}.") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put what code says behind what the deployment says, as `API(database=…)` is behind the environment."""
        folder = secrets_folder()
        files = () if folder is None else (SecretsSettingsSource(settings_cls, secrets_dir=folder),)
        return env_settings, dotenv_settings, *files, init_settings

    @property
    def application(self) -> dict[str, Any]:
        """What of the settings is FastAPI's: `FastAPI(…, **settings.application)`. `add_docs` adds the pages."""
        from starlette.middleware import Middleware
        from starlette.middleware.cors import CORSMiddleware

        cors = Middleware(
            CORSMiddleware, allow_origins=self.cors_origins, allow_credentials=self.cors_credentials,
            allow_methods=["*"], allow_headers=["*"], expose_headers=_SEEN_BY_SCRIPTS,
        )  # fmt: skip
        return {
            "debug": self.debug,
            "openapi_url": "/openapi.json" if self.docs else None,
            "docs_url": None,
            "redoc_url": None,
            "middleware": [cors] if self.cors_origins else [],
        }

    def begin(self, url: URL | None) -> None:
        """Set the log level of onetrip's messages, and refuse what is unsafe in production with this database.

        Raises `Unsafe`, with a sentence for each reason.
        """
        logging.getLogger("onetrip").setLevel(self.log_level)
        if self.environment == "production" and (reasons := list(_unsafe(self, url))):
            raise Unsafe(self, reasons)

    @field_validator("environment", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("pool", "limits", mode="before")
    @classmethod
    def _complete(cls, value: Any, info: Any) -> Any:
        """Let a variable change one option and leave the others as the code has them."""
        if not isinstance(value, Mapping):
            return value
        default = dataclasses.asdict(cls.model_fields[info.field_name].default)
        for name in value:
            if name not in default:
                raise ValueError(f"there is no '{name}'. {nearest(name, list(default)) or ''}".strip())
        return default | dict(value)

    @field_validator("database_url", mode="after")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None:
            parse_url(value)
        return value


def secrets_folder() -> Path | None:
    """Find the folder of secrets. Raises `ConfigurationError` when one is named that is not there."""
    named = os.environ.get(SECRETS_VARIABLE)
    folder = Path(named or SECRETS_FOLDER)
    if folder.is_dir():
        return folder
    if named:
        raise ConfigurationError(f"{SECRETS_VARIABLE}: there is no folder '{named}'.")
    return None


def variables_of(field: FieldInfo, name: str) -> tuple[str, ...]:
    """Name the environment variables from which a field is read."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices if isinstance(choice, str))
    return ((alias if isinstance(alias, str) else name).upper(),)


class Unsafe(ConfigurationError):
    """Settings with which production does not begin; `settings` are they."""

    def __init__(self, settings: Settings, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.settings = settings
        self.reasons = reasons


def _unsafe(settings: Settings, url: URL | None) -> Iterator[str]:
    if settings.debug:
        yield "ONETRIP_DEBUG is on, which shows tracebacks to everybody: leave it out in production."
    if url is not None and url.drivername == "sqlite":
        if is_memory(url):
            yield "The database is in memory and ends with the process: set ONETRIP_DATABASE_URL in production."
        elif settings.workers > 1:
            yield (
                f"{settings.workers} workers would write to one SQLite file, which has one writer at a time: serve it"
                " with one (ONETRIP_WORKERS=1), or use PostgreSQL."
            )
    if "*" in settings.cors_origins and settings.cors_credentials:
        yield (
            "ONETRIP_CORS_ORIGINS=* with ONETRIP_CORS_CREDENTIALS lets every page of the web act for those who are"
            " logged in: name the origins."
        )
    if settings.secret is None:
        yield "ONETRIP_SECRET is not set: make one with python -c 'import secrets; print(secrets.token_urlsafe())'."
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield from _weak(variables_of(field, name)[0], value, field.default, least=name == "secret")


def _weak(variable: str, value: SecretStr, default: Any, *, least: bool) -> Iterator[str]:
    text = value.get_secret_value()
    if value == default:
        yield f"{variable} is what stands in the code, which others have read: set it in production."
    elif any(word in text.lower() for word in _PLACEHOLDERS):
        yield f"{variable} looks like a placeholder: set one that nobody can guess."
    elif least and len(text) < _LEAST_SECRET:
        yield f"{variable} has {len(text)} characters, and needs {_LEAST_SECRET} in production."


def _first_alias(cls: type[Settings], name: str) -> str:
    field = cls.model_fields.get(name)
    if field is None and not name.startswith("_"):
        raise ConfigurationError(
            f"{cls.__name__} has no '{name}'. {nearest(name, list(cls.model_fields)) or ''}".strip()
        )
    alias = None if field is None else field.validation_alias
    return alias if isinstance(alias, str) else name if field is None else variables_of(field, name)[0]


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if isinstance(value, Pool | Limits) else value


def _sentences(cls: type[Settings], error: ValidationError) -> Iterator[str]:
    """Say what is wrong with each setting, by the name of its variable and without its value."""
    fields = {variable: name for name, field in cls.model_fields.items() for variable in variables_of(field, name)}
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in found["loc"]]
        name = fields.get(place[0], place[0]) if place else ""
        variable = variables_of(cls.model_fields[name], name)[0] if name in cls.model_fields else name
        nested = "".join(f"__{part.upper()}" for part in place[1:])
        if found["type"] == "missing":
            yield f"{variable}{nested} is not set."
        else:
            said = found["msg"].removeprefix("Value error, ")
            yield f"{variable}{nested}: {said}{'' if said[-1] in '.?' else '.'}"
