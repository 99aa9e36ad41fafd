"""`onetrip serve` in development: offers the migration that is missing, and does nothing unasked.

Alembic costs time to import, so what needs it is imported when there are migrations.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from onetrip.app import API
from onetrip.cli.configuration import ENVIRONMENT_VARIABLE, PRODUCTION, environment
from onetrip.cli.places import url_shown
from onetrip.errors import ConfigurationError

if TYPE_CHECKING:
    from onetrip.migrations.project import Project

_DEVELOPMENT = ("development", "dev", "local")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Offer:
    """How migrations are offered: `yes` takes them without a question, and without `ask` nobody can be asked.

    Called with what is served and its project, `None` where no migrations are found.
    """

    yes: bool = False
    ask: Callable[[str], bool] | None = None

    def __call__(self, apis: Iterable[API], project: "Project | None") -> None:
        """Apply what is pending, and write and apply what the models have, as far as somebody says yes.

        Raises `ConfigurationError` for what goes wrong after that. Otherwise it is said, and the start goes on.
        """
        places = [environment(), *(api.settings.environment for api in apis if api.settings is not None)]
        live = [place for place in places if place in PRODUCTION]
        if self.yes and live:
            raise ConfigurationError(
                f"This is {live[0]} ({ENVIRONMENT_VARIABLE}): serving migrates nothing here. Leave --migrate out, and "
                "run 'onetrip db up' before."
            )
        if not self.yes and (self.ask is None or any(place not in _DEVELOPMENT for place in places)):
            return
        if project is None:
            if self.yes:
                raise ConfigurationError(
                    "--migrate is for tables that have migrations: begin them with 'onetrip db init', in their folder."
                )
            return
        try:
            _pending(project, self)
            _differences(project, self)
        except _Refused as refused:
            if self.yes:
                raise ConfigurationError(str(refused)) from refused.__cause__
            typer.echo(f"Not migrated: {refused}", err=True)

    def agreed(self, question: str) -> bool:
        """Ask, unless the answer is known."""
        return self.yes or (self.ask is not None and self.ask(question))


def offered(migrate: bool) -> Offer:
    """Say how migrations are offered here: by questions at a terminal."""
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    return Offer(yes=migrate, ask=_confirm if asks else None)


def _confirm(question: str) -> bool:
    return typer.confirm(question, default=False, err=True)


class _Refused(Exception):
    """What nobody is asked about, and why."""


def _pending(project: "Project", offer: Offer) -> None:
    """Offer to apply the revisions that a database does not have. An empty one is no matter of this."""
    from onetrip.migrations.connection import connected
    from onetrip.migrations.history import current, read_history

    name = url_shown(project.url)
    try:
        known = read_history(project.script())
        known.head()
        with connected(project.url, reads=True) as connection:
            here = current(connection)
        known.refuse_unknown(here)
    except ConfigurationError as error:
        raise _Refused(str(error)) from error
    if not here or known.state(here) == "head":
        return
    done = {each.revision for head in here for each in project.script().iterate_revisions(head, "base")}
    waiting = [each for each in reversed(list(known.revisions.values())) if each.revision not in done]
    typer.echo(f"{name} does not have:\n{_lines([f'{each.revision} {each.doc}' for each in waiting])}", err=True)
    _refuse_unsafe(project, "")
    if offer.agreed(f"Apply {'them' if len(waiting) > 1 else 'it'}?"):
        _apply(project)


def _differences(project: "Project", offer: Offer) -> None:
    """Offer to write, and to apply, what the models have and a database at the head has not."""
    from onetrip.cli.create import is_empty
    from onetrip.cli.revising import New, new
    from onetrip.migrations.check import differences
    from onetrip.migrations.connection import connected
    from onetrip.migrations.history import current, read_history

    name, known = url_shown(project.url), read_history(project.script())
    with connected(project.url) as connection:
        here, empty = current(connection), is_empty(connection)
        if empty and known.heads:
            return  # it is created by revisions, in a moment
        if not here and known.heads:
            raise _Refused(
                f"{name} has tables, and no revision. If they are those of one, say 'onetrip db stamp REVISION'; else "
                "name an empty database."
            )
        if known.state(here) != "head":
            return  # somebody said no
        if not here and not empty:
            raise _Refused(f"{name} has tables, and there are no revisions: begin with 'onetrip db baseline'.")
        found = differences(project, connection)
    if not found:
        return
    typer.echo(f"{name} differs from the models:\n{_lines(found)}", err=True)
    if not offer.agreed("Create and apply a migration?"):
        return
    try:
        new(project, New(message=_message(found, empty)))
    except ConfigurationError as error:
        raise _Refused(f"{error} 'onetrip db new' takes these options.") from error
    if not empty:  # an empty one is created by revisions, in a moment, and seeded
        _refuse_unsafe(project, "It was written, and is yours to change. ")
        _apply(project)


def _lines(found: Sequence[str]) -> str:
    """List a few."""
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n".join(f"- {each}" for each in (*found[:_SHOWN], *more))


def _message(found: Sequence[str], empty: bool) -> str:
    """Call a revision after what it does."""
    if empty:
        return "create tables"
    return found[0] + (f" and {len(found) - 1} more" if len(found) > 1 else "")


def _refuse_unsafe(project: "Project", before: str) -> None:
    """Show what is an error in what is pending, if anything is."""
    from onetrip.cli.linting import say
    from onetrip.migrations.lint.judge import lint

    findings = [each for each in lint(project) if each.level == "error"]
    if findings:
        say(findings)
        raise _Refused(f"{before}What is unsafe is not applied here: 'onetrip db lint' and 'onetrip db up' are for it.")


def _apply(project: "Project") -> None:
    from onetrip.cli.upgrading import up_project
    from onetrip.migrations.run import Options

    up_project(project, "head", Options(), with_data=True)  # what is filled in development is small
