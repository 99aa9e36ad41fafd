"""`onetrip new` and `onetrip add`: what they write, and what they say. Alembic is imported by those that need it."""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import typer

from onetrip.cli.configuration import choose_database, choose_target, read_settings
from onetrip.cli.places import path_shown
from onetrip.cli.target import DatabaseTarget, parse_target
from onetrip.errors import ConfigurationError
from onetrip.scaffold.adding import addition, find_models
from onetrip.scaffold.fields import parse_fields
from onetrip.scaffold.names import class_name
from onetrip.scaffold.project import DatabaseName, NewProject, new_file, new_project, write_file, write_folder


def new(text: str, database: DatabaseName, *, minimal: bool) -> None:
    """Write a project, and say what comes next. Raises `ConfigurationError`, and leaves nothing then."""
    if minimal:
        project = new_file(text, database)
        write_file(project)
        typer.echo(f"{project.path}: created. Next:\n\n  onetrip serve {project.path} --reload")
        return
    project = new_project(text, database)
    existed = project.path.is_dir()
    try:
        write_folder(project)
        revision = _first_revision(project)
    except BaseException:
        _remove(project.path, keep=existed)
        raise
    typer.echo(_next(project, revision))


def _first_revision(project: NewProject) -> Path:
    """Write the revision that creates the tables, in the folder of the project."""
    from onetrip.cli.migrating import open_project
    from onetrip.migrations.creation import write_creation

    with contextlib.chdir(project.path):
        opened = open_project(parse_target("app/models.py"), project.url, Path.cwd())
        return Path(write_creation(opened, "create tables").path).relative_to(Path.cwd())


def _remove(folder: Path, *, keep: bool) -> None:
    """Remove what was written: the folder was empty, but for a `.git`."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    if folder.is_dir() and not keep:
        folder.rmdir()


def _next(project: NewProject, revision: Path) -> str:
    folder = path_shown(project.path)
    start = "" if project.path.resolve() == Path.cwd() else f"  cd {folder}\n"
    server = "  docker compose up -d database   # or name another PostgreSQL in .env\n"
    return (
        f"{folder}: created, and {revision.name} creates its tables. Next:\n\n"
        f"{start}"
        "  pip install -e '.[dev]'         # in a virtual environment\n"
        f"{server if project.database == 'postgresql' else ''}"
        "  onetrip db up                   # run the migrations\n"
        "  pytest                          # the tests\n"
        "  onetrip serve --reload          # or: fastapi dev, uvicorn app.main:app --reload\n"
        "\nThen 'onetrip add Post title:str content:text' writes another table. README.md says the rest."
    )


def add(name: str, texts: Sequence[str], models: str | None) -> None:
    """Write a table into a project, and say where. Raises `ConfigurationError`, and changes nothing then."""
    name, fields, project = class_name(name), parse_fields(texts), Path.cwd()
    folder, file = _place(models)
    added = addition(name, fields, file, folder, project)
    revision = None
    try:
        for path, (_, text) in added.texts.items():
            path.write_text(text, encoding="utf-8")
        if (project / "alembic.ini").is_file():
            revision = _revision_of(name)
    except BaseException:
        for path, (before, _) in added.texts.items():
            path.unlink(missing_ok=True) if before is None else path.write_text(before, encoding="utf-8")
        raise
    for path, (before, _) in added.texts.items():
        typer.echo(f"{path_shown(path)}: {'created' if before is None else f'{name} added'}")
    if revision is not None:
        typer.echo(f"{path_shown(revision)}: created")
    for note in (*added.notes, *([] if revision else ["There is no alembic.ini, so no revision is written."])):
        typer.echo(note)
    if revision is not None:
        typer.echo("Next: 'onetrip db up'.")


def _place(models: str | None) -> tuple[Path, Path]:
    """Find the folder of the code, and the file of its tables."""
    settings = read_settings()
    if models is not None and settings.app is None:
        file = Path(models)
        return (file.parent if file.parent != Path() else file), file
    _, target = choose_target(None, settings)
    if isinstance(target, DatabaseTarget):
        raise ConfigurationError("The target is a database: name the file that defines tables with --models.")
    folder = target.code.folder if target.code.folder != target.code.root else target.code.path
    return folder, Path(models) if models is not None else find_models(folder)


def _revision_of(name: str) -> Path:
    """Write the revision that creates the table of a class, which has just been written."""
    from onetrip.cli.migrating import open_project
    from onetrip.migrations.creation import write_creation
    from onetrip.migrations.history import read_history

    settings = read_settings()
    _, target = choose_target(None, settings)
    opened = open_project(target, choose_database(None, target, settings), Path.cwd())
    read_history(opened.script()).head()
    table = name.lower()
    return Path(write_creation(opened, f"add {table}", lambda each: each.name == table).path)
