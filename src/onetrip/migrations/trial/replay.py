"""The history, replayed in a database that is made for it: what models, and a database, have that it does not say."""

from dataclasses import dataclass, replace

from sqlalchemy.engine import URL

from onetrip.migrations.check import differences
from onetrip.migrations.connection import connected, connected_if_there
from onetrip.migrations.history import current, read_history
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, up
from onetrip.migrations.snapshot.model import Snapshot
from onetrip.migrations.trial.scratch import given, scratch
from onetrip.migrations.trial.traces import take, traces

_OPTIONS = Options(backup=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What the history lacks, each as it is told. A database that was not `reached` has nothing of its own.

    `models` is what a new revision would do; `database` is what somebody did there by hand.
    """

    models: tuple[str, ...]
    database: tuple[str, ...]
    reached: bool


def replay(project: Project, database: URL | None = None) -> Replay:
    """Replay all revisions in a database that is made for it, or in an empty one.

    Raises `ConfigurationError` when there is no such database, and for revisions that fail or cannot be ordered.
    """
    history = read_history(project.script())
    history.head()
    reached, here, live = False, tuple[str, ...](), Snapshot(tables={})
    with connected_if_there(project.url) as connection:
        if connection is not None:
            reached, here = True, current(connection)
            live = take(project, connection)
    with given(database) if database is not None else scratch(project.url) as url:
        replayed = replace(project, url=url)
        by_hand: list[str] = []
        if here and history.state(here) != "unknown":
            for revision in here:
                up(replayed, revision, _OPTIONS)
            with connected(url) as connection:
                said = take(replayed, connection)
            by_hand = traces(said, _owned(live, said))
        up(replayed, "head", _OPTIONS)
        with connected(url) as connection:
            missing = differences(replayed, connection)
    return Replay(models=missing, database=tuple(by_hand), reached=reached)


def _owned(live: Snapshot, said: Snapshot) -> Snapshot:
    """Leave out what is not the project's: tables and views that the history does not know."""
    return replace(
        live,
        tables={name: table for name, table in live.tables.items() if name in said.tables},
        enums={name: labels for name, labels in live.enums.items() if name in said.enums},
        views={name: view for name, view in live.views.items() if name in said.views},
        sequences=live.sequences & said.sequences,
    )
