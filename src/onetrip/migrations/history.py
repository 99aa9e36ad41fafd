"""The revisions of a project, read once, and where a database stands among them.

What keeps a project from being migrated at all is refused here: revisions that cannot be read, two heads, a database
that knows a revision which the project does not.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from onetrip.errors import ConfigurationError

VERSIONS = "alembic_version"
"""The table where Alembic keeps the revisions of a database."""

State = Literal["head", "behind", "unknown"]
"""Where a database stands: at the head, before it, or at a revision that the project does not have."""

_versions = sa.table(VERSIONS, sa.column("version_num"))


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of a project by their id, and those at the end."""

    revisions: Mapping[str, Script]
    heads: tuple[str, ...]

    def state(self, current: Sequence[str]) -> State:
        """Say where a database stands that is at some revisions."""
        if any(revision not in self.revisions for revision in current):
            return "unknown"
        return "head" if set(current) == set(self.heads) else "behind"

    def head(self) -> str | None:
        """Answer the one revision at the end. Raises `ConfigurationError` when there are several."""
        if len(self.heads) > 1:
            raise ConfigurationError(
                f"There are {len(self.heads)} heads, {' and '.join(sorted(self.heads))}, made on two branches: "
                "join them with 'onetrip db merge'."
            )
        return self.heads[0] if self.heads else None

    def refuse_unknown(self, current: Sequence[str]) -> None:
        """Raise `ConfigurationError` for a database that is at a revision which the project does not have."""
        unknown = [revision for revision in current if revision not in self.revisions]
        if unknown:
            raise ConfigurationError(
                f"The database is at revision {' and '.join(unknown)}, which these migrations do not have: it was "
                "migrated by newer code, or the file is missing. Deploy that code, or bring the file back."
            )


def irreversible(revision: Script) -> str | None:
    """Say what taking a revision back would not bring back, as its `irreversible` does; `None` for nothing."""
    said = getattr(revision.module, "irreversible", None)
    return said if isinstance(said, str) and said else "it says so itself" if said else None


def needed_data(revision: Script) -> tuple[str, ...]:
    """Name the data migrations that have to be finished before a revision, as its `needs_data` says."""
    said = getattr(revision.module, "needs_data", None) or ()
    return (said,) if isinstance(said, str) else tuple(said)


def read_history(script: ScriptDirectory) -> History:
    """Read every revision. Raises `ConfigurationError` for a file that cannot be imported or that misses another."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Revision .* (referenced from|is present more than once)")
            revisions = {each.revision: each for each in script.walk_revisions()}
            heads = tuple(script.get_heads())
    except UserWarning as error:
        raise ConfigurationError(
            f"The migrations in '{script.versions}' are not whole: {str(error).rstrip('.')}. Bring the file back, or "
            "take the second one away."
        ) from error
    except CommandError as error:
        raise ConfigurationError(f"The migrations cannot be read: {str(error).rstrip('.')}.") from error
    except Exception as error:
        raise ConfigurationError(
            f"A revision in '{script.versions}' cannot be imported: {type(error).__name__}: {error}."
        ) from error
    return History(revisions, heads)


def current(connection: sa.Connection) -> tuple[str, ...]:
    """Read the revisions that a database is at: none where nothing was ever migrated."""
    if not sa.inspect(connection).has_table(VERSIONS):
        return ()
    return tuple(sorted(connection.scalars(sa.select(_versions.c.version_num))))
