"""A new project: its folder or file, written. Nothing is imported and no database is asked."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onetrip.errors import ConfigurationError
from onetrip.migrations.template import initialize
from onetrip.scaffold.names import ProjectName, module_name, project_name
from onetrip.scaffold.templates import rendered
from onetrip.version import __version__

DatabaseName = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What was asked for, and where it goes: a folder, or a file."""

    name: ProjectName
    path: Path
    database: DatabaseName

    @property
    def url(self) -> str:
        """The database on this machine, as the code names it."""
        name = self.name.identifier
        return f"sqlite:///{name}.db" if self.database == "sqlite" else f"postgresql://localhost/{name}"


def new_project(text: str, database: DatabaseName) -> NewProject:
    """Check the folder of a new project. Raises `ConfigurationError` for a wrong name, and where something is."""
    path = Path(text)
    name = project_name(path.resolve().name)
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"There is a file '{text}' already: choose another name.")
    if path.is_dir() and any(entry.name != ".git" for entry in path.iterdir()):
        raise ConfigurationError(f"The folder '{text}' is not empty, and stays as it is: choose another name.")
    return NewProject(name=name, path=path, database=database)


def new_file(text: str, database: DatabaseName) -> NewProject:
    """Check the file of a project that is one. Raises `ConfigurationError` for a wrong name, and where something is."""
    given = Path(text.removesuffix(".py"))
    name = module_name(given.resolve().name)
    path = given.with_name(f"{given.name}.py")
    if path.exists():
        raise ConfigurationError(f"There is '{path}' already, and it stays as it is: choose another name.")
    return NewProject(name=name, path=path, database=database)


def write_folder(project: NewProject) -> None:
    """Write everything but the first revision. Raises `ConfigurationError` for what cannot be written."""
    try:
        values = _values(project)
        for place, text in (rendered("project", values) | rendered(project.database, values)).items():
            _write(project.path / place, text)
    except OSError as error:
        raise ConfigurationError(f"The project cannot be written: {error.strerror}.") from error
    initialize(project.path)


def write_file(project: NewProject) -> None:
    """Write the one file. Raises `ConfigurationError` when it cannot be written."""
    [text] = rendered("minimal", _values(project)).values()
    try:
        _write(project.path, text)
    except OSError as error:
        raise ConfigurationError(f"The project cannot be written: {error.strerror}.") from error


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _values(project: NewProject) -> dict[str, str]:
    name = project.name
    user, password = name.identifier, secrets.token_urlsafe(24)
    on_server = project.database == "postgresql"
    return {
        "name": name.text, "title": name.title, "identifier": user, "image": name.image, "version": __version__,
        "onetrip": "onetrip[postgres]" if on_server else "onetrip", "backend": project.database,
        "database": project.url,
        "example": f"postgresql://{user}:…@localhost/{user}" if on_server else project.url,
        "local": f"postgresql://{user}:{password}@localhost/{user}" if on_server else project.url,
        "password": f"\n# For compose.yaml.\nPOSTGRES_PASSWORD={password}\n" if on_server else "",
        "secret": secrets.token_urlsafe(),
        "kind": "PostgreSQL" if on_server else "SQLite; `onetrip new --database postgresql` begins with the other one",
        "server": "$ docker compose up -d database # or name another PostgreSQL in .env\n" if on_server else "",
        "containers": "PostgreSQL, the migrations, then the application" if on_server else
        "the migrations, then the application, with the database in a volume",
    }  # fmt: skip
