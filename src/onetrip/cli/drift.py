"""`onetrip db check`: says what differs between a database, the models and the history."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import typer

from onetrip.cli.places import url_shown
from onetrip.db.url import parse_url
from onetrip.migrations.check import Drift, check
from onetrip.migrations.project import Project
from onetrip.migrations.trial.replay import Replay, replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is compared and how it is told. `scratch` is an empty database for the `history`."""

    history: bool = False
    scratch: str | None = None
    json: bool = False


def check_project(project: Project, options: Options) -> int:
    """Say what differs, and answer the exit code: 0 when nothing does.

    Raises `ConfigurationError` for a database that cannot be read, unless the history is what is compared.
    """
    replayed = None
    if options.history or options.scratch:
        replayed = replay(project, parse_url(options.scratch) if options.scratch else None)
    found = check(project) if replayed is None or replayed.reached else None
    clean = (found is None or found.clean) and (replayed is None or not (replayed.models or replayed.database))
    if options.json:
        told = {} if found is None else asdict(found)
        more = {} if replayed is None else {"history": asdict(replayed)}
        typer.echo(json.dumps({"clean": clean, **told, **more}, indent=2, ensure_ascii=False))
    else:
        _say(url_shown(project.url), found, replayed, clean)
    return 0 if clean else 1


def _say(database: str, found: Drift | None, replayed: Replay | None, clean: bool) -> None:
    if found is None:
        verdict = "as the revisions are" if clean else "not as the revisions are"
        typer.echo(f"{database} was not reached; the models alone are {verdict}")
    elif clean:
        typer.echo(f"{database}: at {' and '.join(found.heads) or 'base'}, as the models are")
    else:
        typer.echo(f"{database}:")
    for line in (*(() if found is None else _lines(found)), *(() if replayed is None else _replayed(replayed))):
        typer.echo(f"- {line}")
    if found is not None and found.unfinished_data:
        typer.echo(f"Not finished, which is no drift: data migration {' and '.join(found.unfinished_data)}")


def _replayed(found: Replay) -> Iterator[str]:
    for each in found.models:
        yield f"the models have no revision for it: {each}"
    for each in found.database:
        yield f"the database is not as its revisions made it: {each}"


def _lines(found: Drift) -> Iterator[str]:
    here, head = " and ".join(found.current) or "no revision", " and ".join(found.heads)
    if found.state == "behind":
        yield f"it is at {here}, and the head is {head}: run 'onetrip db up'"
    elif found.state == "unknown":
        yield f"it is at {here}, which these migrations do not have: newer code has migrated it, or a file is missing"
    for each in found.edited:
        yield f"revision {each} was edited after it was applied: undo the edit and write a new revision"
    for each in found.differences:
        yield f"the models differ: {each}"
    for each in found.invalid_indexes:
        yield f"index {each} is INVALID: drop it, and make it again"
    for each in found.unvalidated_constraints:
        yield f"constraint {each} is NOT VALID: it holds for new rows only until it is validated"
    for each in found.leftover_tables:
        yield f"table {each} was left by a migration that was interrupted: drop it"
