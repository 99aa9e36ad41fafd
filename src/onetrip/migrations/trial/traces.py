"""What differs between two snapshots of a database that should be the same, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from onetrip.migrations import checkpoints
from onetrip.migrations.checksums import TABLE
from onetrip.migrations.history import VERSIONS
from onetrip.migrations.project import Project
from onetrip.migrations.snapshot import live
from onetrip.migrations.snapshot.model import Name, Snapshot, Table


def take(project: Project, connection: sa.Connection) -> Snapshot:
    """Read the schema, without what says at which revision it is."""
    schemas = live.schemas(project.metadata, connection.dialect.default_schema_name)
    found = live.read(connection, schemas)
    connection.rollback()
    return replace(found, tables={name: table for name, table in found.tables.items() if name[1] not in _OWN})


def traces(before: Snapshot, after: Snapshot) -> list[str]:
    """Say what is there and should not be, what is missing, and what is different. The order of columns is not."""
    found = list(_parts("table", before.tables, after.tables))
    for name in before.tables.keys() & after.tables.keys():
        found += _inside(name, before.tables[name], after.tables[name])
    found += _parts("type", before.enums, after.enums, changed=True)
    found += _parts("view", before.views, after.views, changed=True)
    found += _parts("sequence", dict.fromkeys(before.sequences), dict.fromkeys(after.sequences))
    return sorted(found)


_OWN = (VERSIONS, TABLE, checkpoints.TABLE)


def _inside(name: Name, before: Table, after: Table) -> Iterator[str]:
    place = f"{name[1]}."
    for kind, old, new in (
        ("column", before.columns, after.columns),
        ("constraint", before.constraints, after.constraints),
        ("index", before.indexes, after.indexes),
    ):
        named = [{getattr(each, "name", None) or str(each): each for each in side} for side in (old, new)]
        yield from _parts(f"{kind} {place}", *named, changed=True)
    yield from _parts(f"trigger {place}", before.triggers, after.triggers, changed=True)


def _parts(
    kind: str, before: Mapping[Any, object], after: Mapping[Any, object], *, changed: bool = False
) -> Iterator[str]:
    label = kind if kind.endswith(".") else f"{kind} "
    for name in before.keys() - after.keys():
        yield f"{label}{_shown(name)} is missing"
    for name in after.keys() - before.keys():
        yield f"{label}{_shown(name)} is left"
    for name in before.keys() & after.keys() if changed else ():
        if before[name] != after[name]:
            yield f"{label}{_shown(name)} is another one: {after[name]} instead of {before[name]}"


def _shown(name: object) -> str:
    return ".".join(str(part) for part in name if part) if isinstance(name, tuple) else str(name)
