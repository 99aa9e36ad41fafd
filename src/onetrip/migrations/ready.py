"""What a server asks of its database before it takes requests: the revisions it was written for. Without Alembic."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onetrip.db.database import Database
from onetrip.errors import Broken, ConfigurationError, Unavailable
from onetrip.sql.statement import Statement

_CURRENT = {
    "postgresql": Statement("SELECT string_agg(version_num, ' ') FROM alembic_version", ()),
    "sqlite": Statement("SELECT group_concat(version_num, ' ') FROM alembic_version", ()),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """The revisions of a project, and those at the end."""

    known: frozenset[str]
    heads: frozenset[str]

    async def check(self, database: Database) -> None:
        """Raise `Unavailable` for a database that does not answer, or that lacks a revision.

        A revision that is not known is one of newer code, for which older code goes on serving while it is replaced.
        """
        try:
            row = await database.run(_CURRENT[database.url.drivername], ())
        except Broken:
            row = None
        value: Any = row[0] if row else None
        current = frozenset((value.decode() if isinstance(value, bytes) else value or "").split())
        if current <= self.known and current != self.heads:
            raise Unavailable("The database is not migrated to the revision that this code needs.")


def read_expected(folder: Path) -> Expected:
    """Read the revisions in a folder of migrations. Raises `ConfigurationError` where there are none."""
    files = sorted((folder / "versions").glob("*.py"))
    if not files:
        raise ConfigurationError(f"API(migrations='{folder}'): there are no revisions in '{folder / 'versions'}'.")
    known, before = set[str](), set[str]()
    for file in files:
        try:
            said = dict(_assigned(ast.parse(file.read_bytes())))
        except (SyntaxError, ValueError) as error:
            raise ConfigurationError(f"The revision '{file}' cannot be read: {error}.") from error
        if "revision" in said:
            known.add(said["revision"])
            down = said.get("down_revision") or ()
            before.update([down] if isinstance(down, str) else down)
    return Expected(frozenset(known), frozenset(known - before))


def _assigned(module: ast.Module) -> Iterator[tuple[str, Any]]:
    """Find what a revision says of itself and of the one before."""
    for node in module.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision"):
                yield target.id, ast.literal_eval(node.value)
