"""The files of data migrations, read in their order. No database is asked here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.util import load_python_file

from onetrip.errors import ConfigurationError
from onetrip.migrations.data.pace import MOST
from onetrip.migrations.history import read_history
from onetrip.migrations.layout import quoted
from onetrip.migrations.lint.rule import Finding
from onetrip.migrations.lint.rules import m25
from onetrip.migrations.project import Project

FOLDER = "data"
"""The folder of data migrations, beside that of the revisions."""

Batch = Callable[[sa.Connection, Sequence[sa.Row[Any]], sa.ColumnElement[bool]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMigration:
    """A data migration: whose rows, after which revision of the schema, and what is done with some of them."""

    revision: str
    title: str
    down_revision: str | None
    depends_on: str | None
    batch_size: int
    table: sa.TableClause
    where: sa.ColumnElement[bool] | None
    batch: Batch
    path: Path


def read_chain(project: Project) -> tuple[DataMigration, ...]:
    """Read the data migrations, the first one first. Raises `ConfigurationError` for what is none, or out of order."""
    every = [_read(path) for path in _files(project)]
    known = read_history(project.script()).revisions
    for each in every:
        if each.depends_on is not None and each.depends_on not in known:
            raise _wrong(each.path, f"depends_on names the revision {each.depends_on}, which there is not")
    return tuple(_ordered(every))


def _files(project: Project) -> list[Path]:
    return sorted((Path(project.script().dir) / FOLDER).glob("*.py"))


def _ordered(every: Sequence[DataMigration]) -> Iterator[DataMigration]:
    following: dict[str | None, DataMigration] = {}
    known = {each.revision for each in every}
    for each in every:
        other = following.setdefault(each.down_revision, each)
        if other is not each:
            raise _wrong(
                each.path, f"it comes after {each.down_revision or 'nothing'}, as '{other.path.name}' does: let its "
                f"down_revision be {quoted(other.revision)}"
            )  # fmt: skip
        if each.down_revision not in known | {None}:
            raise _wrong(each.path, f"it comes after {each.down_revision}, which there is not: bring that file back")
    if len(known) < len(every):
        raise ConfigurationError("Two data migrations have the same 'revision': give one of them another.")
    after: str | None = None
    for _ in every:
        if after not in following:
            raise ConfigurationError("The data migrations come after one another in a circle: look at down_revision.")
        yield following[after]
        after = following[after].revision


def _read(path: Path) -> DataMigration:
    try:
        module = load_python_file(str(path.parent), path.name)
    except Exception as error:
        raise _wrong(path, f"it cannot be imported: {type(error).__name__}: {error}") from error
    size, table = getattr(module, "batch_size", 1000), getattr(module, "table", None)
    where: Any = getattr(module, "where", None)
    if not isinstance(getattr(module, "revision", None), str):
        raise _wrong(path, "it has no 'revision'")
    if not isinstance(table, sa.TableClause):
        raise _wrong(path, "'table' is not a table: write it as sa.table(…, sa.column(…), …)")
    if where is not None and not isinstance(where, sa.ColumnElement):
        raise _wrong(path, "'where' is not a condition: write it as table.c.name.is_(None), or leave it out")
    if not callable(getattr(module, "batch", None)):
        raise _wrong(path, "it has no function 'batch(connection, rows, chosen)'")
    if not isinstance(size, int) or not 1 <= size <= MOST:
        raise _wrong(path, f"'batch_size' is not a number from 1 to {MOST:,}")
    return DataMigration(
        revision=module.revision, title=(module.__doc__ or path.stem).strip().partition("\n")[0],
        down_revision=getattr(module, "down_revision", None), depends_on=getattr(module, "depends_on", None),
        batch_size=size, table=table, where=where, batch=module.batch, path=path,
    )  # fmt: skip


def _wrong(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"The data migration '{path.name}' cannot be used: {why.rstrip('.')}.")


def findings(project: Project) -> list[Finding]:
    """Judge data migrations by the rule that fits them: they import no application code. They are not run for it."""
    rule = m25.RULE
    return [
        Finding(
            rule=rule.id, level=rule.level, title=rule.title, message=found.message, why=rule.why, safe=found.safe,
            revision=path.stem, path=str(path), line=found.line,
        )
        for path in _files(project) for found in m25.imports(path.read_text(encoding="utf-8"))
    ]  # fmt: skip
