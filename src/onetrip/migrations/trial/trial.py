"""Every revision there, back and there again, and the whole way likewise, with rows stored before each step."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from alembic.script import Script
from sqlalchemy.engine import URL

from onetrip.errors import ConfigurationError
from onetrip.migrations.check import differences
from onetrip.migrations.connection import connected
from onetrip.migrations.data.run import Options as DataOptions
from onetrip.migrations.history import current, irreversible, read_history
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, down, up
from onetrip.migrations.snapshot.model import Snapshot
from onetrip.migrations.trial.scratch import given, scratch
from onetrip.migrations.trial.seeds import Seeds
from onetrip.migrations.trial.traces import take, traces

_OPTIONS = Options(backup=False, data=DataOptions(pause=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of it: the revisions that were tried, those without a way back and why, and what is wrong."""

    revisions: tuple[str, ...]
    irreversible: dict[str, str]
    rows: int
    without_rows: tuple[str, ...]
    problems: tuple[str, ...]


def trial(project: Project, database: URL | None = None, said: Callable[[str], None] = lambda what: None) -> Trial:
    """Try all revisions in a database that is made for it, or in an empty one.

    Raises `ConfigurationError` when there is no such database, and for revisions that cannot be ordered.
    """
    history = read_history(project.script())
    history.head()
    revisions = list(history.revisions.values())[::-1]
    with given(database) if database is not None else scratch(project.url) as url:
        tried = _Trial(replace(project, url=url), said)
        try:
            tried.run(revisions)
        except ConfigurationError as error:
            tried.problems.append(str(error))
    return Trial(
        revisions=tuple(each.revision for each in revisions), irreversible=tried.irreversible, rows=tried.rows,
        without_rows=tuple(sorted(tried.seeds.without)), problems=tuple(tried.problems),
    )  # fmt: skip


@dataclass(slots=True)
class _Trial:
    project: Project
    said: Callable[[str], None]
    seeds: Seeds = field(default_factory=Seeds)
    irreversible: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    rows: int = 0

    def run(self, revisions: list[Script]) -> None:
        """Go step by step, then the whole way."""
        for revision in revisions:
            self._step(revision)
        with connected(self.project.url) as connection:
            self.problems += [
                f"At the head, the models differ: {each}." for each in differences(self.project, connection)
            ]
        lowest = self._lowest(revisions)
        if lowest is None:
            return
        head = self._snapshot()
        self._seed()
        self.said(f"back to {lowest}")
        if self._down(revisions[-1], lowest):
            self._seed()
            up(self.project, "head", _OPTIONS)
            self._compare(head, f"From {lowest} to the head a second time")

    def _step(self, revision: Script) -> None:
        """Apply a revision, take it back, and apply it again."""
        name = revision.revision
        self.said(f"{name} {revision.doc}")
        before, heads = self._snapshot(), self._heads()
        self._seed()
        up(self.project, name, _OPTIONS)
        after = self._snapshot()
        if len(heads) > 1 or len(self._heads()) > 1:
            return
        self._seed()
        if self._down(revision, heads[0] if heads else "base"):
            self._compare(before, f"Taken back, revision {name} ({revision.doc}) leaves a trace")
            self._seed()
            up(self.project, name, _OPTIONS)
            self._compare(after, f"Applied a second time, revision {name} ({revision.doc}) does something else")

    def _down(self, revision: Script, to: str) -> bool:
        """Go back, where that is possible."""
        if reason := irreversible(revision):
            self.irreversible[revision.revision] = reason
            return False
        try:
            down(self.project, to, _OPTIONS)
        except ConfigurationError as error:
            if not isinstance(error.__cause__, NotImplementedError):
                raise
            self.irreversible[revision.revision] = str(error.__cause__) or "it has no way back"
            return False
        return True

    def _lowest(self, revisions: list[Script]) -> str | None:
        """Find how far back the way goes from the head: `None` where it goes nowhere."""
        last = next((each.revision for each in revisions[::-1] if each.revision in self.irreversible), None)
        return None if not revisions or last == revisions[-1].revision else last or "base"

    def _seed(self) -> None:
        with connected(self.project.url) as connection:
            self.rows += self.seeds.plant(connection)

    def _snapshot(self) -> Snapshot:
        with connected(self.project.url) as connection:
            return take(self.project, connection)

    def _heads(self) -> tuple[str, ...]:
        with connected(self.project.url) as connection:
            return current(connection)

    def _compare(self, wanted: Snapshot, what: str) -> None:
        self.problems += [f"{what}: {each}." for each in traces(wanted, self._snapshot())]
