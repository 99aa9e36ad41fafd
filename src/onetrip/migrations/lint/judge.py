"""The revisions of a project, asked about by every rule: which ones, what is known of the database, what is found."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onetrip.errors import ConfigurationError
from onetrip.migrations import checksums, facts
from onetrip.migrations.connection import connected_if_there
from onetrip.migrations.facts import UNKNOWN, Facts
from onetrip.migrations.history import History, current, read_history
from onetrip.migrations.lint.recorder import Revision
from onetrip.migrations.lint.registry import all_rules
from onetrip.migrations.lint.rule import Finding, Found, Judged, Level, Rule
from onetrip.migrations.lint.suppression import suppressed
from onetrip.migrations.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a database says: its facts, the revisions that it has, and those whose files were edited since."""

    facts: Facts = UNKNOWN
    applied: frozenset[str] = frozenset()
    edited: frozenset[str] = frozenset()
    reached: bool = False


class Revisions:
    """The revisions of a project in the order in which they are applied, each recorded once."""

    def __init__(self, project: Project) -> None:
        self.script = project.script()
        self.history: History = read_history(self.script)
        self.dialect = project.url.get_backend_name()
        ordered = reversed(list(self.script.walk_revisions()))
        self.all = {each.revision: Revision(each, self.dialect) for each in ordered}

    def before(self, revision: str) -> list[Revision]:
        """List what a revision builds on, the oldest first."""
        ids = {each.revision for each in self.script.iterate_revisions(revision, "base")} - {revision}
        return [each for name, each in self.all.items() if name in ids]


def ask(project: Project, revisions: Revisions) -> Known:
    """Ask the database of a project. Without one nothing is known, and every revision is new."""
    with connected_if_there(project.url) as connection:
        if connection is None:
            return Known()
        heads = current(connection)
        revisions.history.refuse_unknown(heads)
        applied = frozenset(
            each.revision for head in heads for each in revisions.script.iterate_revisions(head, "base")
        )
        edited = frozenset(checksums.edited(connection, revisions.history))
        return Known(facts=facts.read(connection), applied=applied, edited=edited, reached=True)


def lint(
    project: Project, since: str | None = None, said: Callable[[Known], None] = lambda known: None
) -> list[Finding]:
    """Judge the revisions that the database does not have, or those added or changed since a commit of git.

    What the database says is `said` before.

    A revision that was edited after it ran is found wherever it is. Raises `ConfigurationError` for revisions that
    cannot be read, and for a commit that is none.
    """
    revisions = Revisions(project)
    known = ask(project, revisions)
    said(known)
    if since is not None:
        changed = _changed(Path(revisions.script.dir), since)
        wanted = [each for each in revisions.all.values() if each.path.resolve() in changed]
    else:
        wanted = [each for each in revisions.all.values() if each.id not in known.applied]
    wanted += [each for each in revisions.all.values() if each.id in known.edited and each not in wanted]
    return judge(revisions, wanted, known)


def judge(revisions: Revisions, wanted: Sequence[Revision], known: Known) -> list[Finding]:
    """Ask every rule about some revisions."""
    findings: list[Finding] = []
    ordered = list(revisions.all.values())
    for revision in wanted:
        later = ordered[ordered.index(revision) + 1 :]
        judged = Judged(
            revision, known.facts, revisions.before(revision.id), later, revisions.history.heads, known.edited
        )
        findings += examine(judged)
    return findings


def examine(judged: Judged) -> list[Finding]:
    """Ask every rule about one revision, and leave out what its comments allow."""
    revision = judged.revision
    rules = [rule for rule in all_rules() if revision.dialect in rule.dialects]
    found = [_finding(rule, each, judged) for rule in rules for each in rule.find(judged)]
    found = list(dict.fromkeys(found))
    unasked = {rule.id for rule in all_rules()} - {rule.id for rule in rules}
    return sorted(suppressed(revision, found, unasked), key=lambda each: (each.line or 0, each.rule))


def _finding(rule: Rule, found: Found, judged: Judged) -> Finding:
    level: Level = found.level or rule.level
    small = bool(found.tables) and all(judged.facts.is_small(table) for table in found.tables)
    if rule.sized and small:
        level = "info"
    line = found.line if found.step is None else found.step.line
    return Finding(
        rule=rule.id, level=level, title=rule.title, message=found.message, why=rule.why, safe=found.safe,
        revision=judged.revision.id, path=str(judged.revision.path), line=line,
    )  # fmt: skip


def shortened(finding: Finding, folder: Path) -> Finding:
    """Say a path as it is from a folder."""
    path = Path(finding.path)
    return replace(finding, path=path.relative_to(folder).as_posix()) if path.is_relative_to(folder) else finding


def _changed(folder: Path, since: str) -> frozenset[Path]:
    """List the files of a folder that are not as in a commit, those that git does not know yet included."""
    folder = folder.resolve()
    top = Path(next(_git(folder, "rev-parse", "--show-toplevel"), str(folder)))
    if not list(_git(folder, "rev-parse", "--verify", "--quiet", f"{since}^{{commit}}", expected=False)):
        raise ConfigurationError(f"git knows no commit '{since}': name a branch, a tag or a commit.")
    changed = _git(folder, "diff", "--name-only", "--diff-filter=ACMR", since, "--", ".")
    new = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "--", ".")
    return frozenset((top / name).resolve() for name in (*changed, *new))


def _git(folder: Path, *arguments: str, expected: bool = True) -> Iterator[str]:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError("--since needs git, which is not installed.") from error
    if done.returncode and expected:
        words = done.stderr.strip().partition("\n")[0].removeprefix("fatal: ")
        raise ConfigurationError(f"--since needs the history of git, which says: {words}.")
    return iter(done.stdout.splitlines())
