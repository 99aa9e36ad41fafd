"""All checks, and what they find in an application, in the order of files and lines."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from onetrip.doctor import checks
from onetrip.doctor.check import Application, Check, Finding

_ALLOWED = re.compile(r"#\s*doctor:\s*allow\s+(?P<checks>[D0-9, ]+?)\s+reason\s*=\s*\"(?P<reason>[^\"]+)\"")


@cache
def all_checks() -> tuple[Check, ...]:
    """List the checks, by their numbers."""
    names = sorted(module.name for module in iter_modules(checks.__path__))
    return tuple(import_module(f"{checks.__name__}.{name}").CHECK for name in names)


def examine(application: Application) -> list[Finding]:
    """Run every check, and leave out what a comment allows: `# doctor: allow D01 reason="…"`."""
    lines = {source.path: source.text.splitlines() for source in application.sources}
    found = sorted(_findings(application), key=lambda each: (each.path, each.line, each.check))
    return [each for each in found if not _is_allowed(each, lines.get(Path(each.path), []))]


def _findings(application: Application) -> Iterator[Finding]:
    for check in all_checks():
        for found in check.find(application):
            path, line = found.place
            yield Finding(
                check=check.id, level=found.level or check.level, title=check.title, message=found.message,
                why=check.why, remedy=found.remedy, path=str(path), line=line,
            )  # fmt: skip


def _is_allowed(finding: Finding, lines: list[str]) -> bool:
    """Look for a comment on the line, or alone on the line above."""
    own = lines[finding.line - 1 : finding.line]
    above = lines[max(finding.line - 2, 0) : finding.line - 1]
    for text in (*own, *(line for line in above if line.lstrip().startswith("#"))):
        if (found := _ALLOWED.search(text)) and finding.check in re.findall(r"D\d\d", found["checks"]):
            return True
    return False


def shortened(finding: Finding, folder: Path) -> Finding:
    """Name the file from a folder, if it lies in it."""
    path = Path(finding.path)
    return replace(finding, path=str(path.relative_to(folder)) if path.is_relative_to(folder) else finding.path)
