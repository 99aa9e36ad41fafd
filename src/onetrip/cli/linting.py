"""`onetrip db lint`: what the revisions would do to a database that is in use, said before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from onetrip.cli.places import url_shown
from onetrip.migrations.data import chain as data
from onetrip.migrations.lint.judge import Known, lint, shortened
from onetrip.migrations.lint.report import FORMATS
from onetrip.migrations.lint.rule import Finding
from onetrip.migrations.project import Project

COLOURS = {"error": "bold red", "warning": "yellow", "info": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked: the revisions since a commit, and how they are told: `text`, `json`, `sarif` or `github`."""

    since: str | None = None
    format: str = "text"


def lint_project(project: Project, options: Options) -> int:
    """Say what is found, and answer the exit code: 1 for errors. Raises `ConfigurationError`."""
    every = (*lint(project, options.since, lambda known: _say_unknown(project, known)), *data.findings(project))
    findings = [shortened(each, Path.cwd()) for each in every]
    written = FORMATS.get(options.format)
    if written is not None:
        if text := written(findings):
            typer.echo(text)
    else:
        say(findings)
    return int(any(finding.level == "error" for finding in findings))


def _say_unknown(project: Project, known: Known) -> None:
    """Say that no size is known, beside what is found."""
    if not known.reached:
        line = (
            f"{url_shown(project.url)} was not reached: which revisions it has and how many rows is not known, so "
            "every revision is judged, and every table counts as large."
        )
        Console(stderr=True, highlight=False).print(Text(line, "yellow"), soft_wrap=True)


def say(findings: Sequence[Finding]) -> None:
    """Print findings for people."""
    console = Console(highlight=False)
    told: set[str] = set()
    for finding in findings:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        heading = Text.assemble(
            (place, "cyan"), "  ", (f"{finding.rule} {finding.level}", COLOURS[finding.level]), f"  {finding.message}"
        )
        console.print(heading, soft_wrap=True)
        if finding.rule not in told:
            console.print(Text(f"  {finding.why}", "dim"), soft_wrap=True)
            told.add(finding.rule)
        for line in finding.safe.splitlines():
            console.print(Text(f"    {line}".rstrip(), "green"), soft_wrap=True)
        console.print()
    console.print(Text(_summary(findings)), soft_wrap=True)


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing is found."
    counts = {level: sum(each.level == level for each in findings) for level in COLOURS}
    words = {"error": "error", "warning": "warning", "info": "note"}
    told = [f"{count} {words[level]}{'s' if count > 1 else ''}" for level, count in counts.items() if count]
    return f'{", ".join(told)}. Allow one with its reason, above the line: # migrate: allow M11 reason="…"'
