"""`onetrip db test`: tries all revisions in a database of their own, and says what is wrong with them."""

import typer

from onetrip.cli.report import Work
from onetrip.db.url import parse_url
from onetrip.migrations.project import Project
from onetrip.migrations.trial.trial import trial


def rehearse(project: Project, scratch: str | None) -> int:
    """Try them, and answer the exit code: 0 when nothing is wrong."""
    with Work() as work:
        found = trial(project, parse_url(scratch) if scratch else None, lambda what: work.working(what, None))
    for problem in found.problems:
        typer.echo(f"- {problem}")
    for revision, reason in found.irreversible.items():
        typer.echo(f"{revision} was not taken back: {reason}")
    if found.without_rows:
        typer.echo(f"without rows, none that were tried fit: {', '.join(found.without_rows)}")
    number, wrong = len(found.revisions), len(found.problems)
    verdict = f"{wrong} problem{'s' if wrong > 1 else ''}" if wrong else "nothing is wrong"
    typer.echo(f"{number} revision{'' if number == 1 else 's'} tried with {found.rows:,} rows: {verdict}")
    return 1 if wrong else 0
