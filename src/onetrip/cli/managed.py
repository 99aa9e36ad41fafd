"""Whether what is served has migrations of its own, and where. Nothing is connected to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import SQLModel

from onetrip.app import API
from onetrip.cli.target import DatabaseTarget, Target
from onetrip.migrations.naming import name_constraints
from onetrip.sql.own import own_metadata

if TYPE_CHECKING:
    from onetrip.migrations.project import Project

_INI = "alembic.ini"
_OURS = "onetrip.cli.environment"


def folder_of(target: Target) -> Path:
    """Find the folder with the migrations of a target: its own, or the nearest around it; else the current one."""
    if not isinstance(target, DatabaseTarget):
        path = target.code.path
        folder, root = path if path.is_dir() else path.parent, target.code.root
        for each in (folder, *folder.parents):
            if (each / _INI).is_file():
                return each
            if each == root:
                break
    return Path.cwd()


def name_managed(target: Target) -> None:
    """Set the names of constraints, before the tables of a target are imported that has migrations."""
    if not isinstance(target, DatabaseTarget) and (folder_of(target) / _INI).is_file():
        name_constraints(SQLModel.metadata)


def project_in(folder: Path, apis: Sequence[API]) -> "Project":
    """Say what migrations of APIs are made of that share a database."""
    from onetrip.migrations.project import Project  # Alembic, which costs time to import

    metadata = dict.fromkeys(each for api in apis for each in api.metadata)
    resources = (resource for api in apis for resource in api.schema.resources.values())
    searches = {found.table: found for resource in resources if (found := resource.search) is not None}
    return Project(
        folder=folder, metadata=(*metadata, own_metadata), url=apis[0].database.url, searches=tuple(searches.values())
    )


def managed(target: Target, apis: Sequence[API]) -> "Project | None":
    """Find the project whose revisions make the tables of a target; `None` where none of ours do.

    Others are left alone: an `env.py` of somebody's own may migrate another database, and a folder in which a command
    happens to run may belong to other tables. Raises `ConfigurationError` for revisions that cannot be read.
    """
    folder = folder_of(target)
    given = [api for api in apis if api.database.given is None and api.database.memory is None]
    if isinstance(target, DatabaseTarget) or not (folder / _INI).is_file() or len(given) < len(apis):
        return None
    if len({api.database.url for api in apis}) != 1:
        return None
    from onetrip.migrations.compare.owned import created
    from onetrip.migrations.history import read_history

    project = project_in(folder, apis)
    script = project.script()
    environment = Path(script.dir) / "env.py"
    if not environment.is_file() or _OURS not in environment.read_text(encoding="utf-8"):
        return None
    heads, made = read_history(script).heads, created(project)
    own = {(table.schema, table.name) for api in apis for each in api.metadata for table in each.tables.values()}
    return project if not heads or made & own else None
