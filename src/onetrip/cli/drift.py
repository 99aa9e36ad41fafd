"""`onetrip db check`: says what differs between a database, the models and the history."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import typer

from onetrip.cli.places import url_shown
from onetrip.migrations.check import Drift, check
from onetrip.migrations.project import Project


def check_project(project: Project, *, as_json: bool) -> int:
    """Say what differs, and answer the exit code: 0 when nothing does."""
    found = check(project)
    if as_json:
        typer.echo(json.dumps({"clean": found.clean, **asdict(found)}, indent=2, ensure_ascii=False))
    elif found.clean:
        typer.echo(f"{url_shown(project.url)}: at {' and '.join(found.heads) or 'base'}, as the models are")
    else:
        typer.echo(f"{url_shown(project.url)}:")
        for line in _lines(found):
            typer.echo(f"- {line}")
    if not as_json and found.unfinished_data:
        typer.echo(f"Not finished, which is no drift: data migration {' and '.join(found.unfinished_data)}")
    return 0 if found.clean else 1


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
