"""Database → mapped classes: the tables that are there, as the classes that a user would have written for them.

`catalogue` reads the facts, `relations` derives and names what the foreign keys say; here one class per table is mapped
on a registry of its own. What is made follows from the catalogue alone: nothing is written, and neither resources nor
HTTP are known. The rules are written down for users in `docs/reflected-databases.md`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Computed,
    Connection,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.orm import RelationshipProperty, foreign, registry, relationship, remote

from onetrip.schema import catalogue, naming
from onetrip.schema.catalogue import Facts, Refusal
from onetrip.schema.catalogue import Progress as Progress
from onetrip.schema.mappers import REFLECTED
from onetrip.schema.relations import Key, Relation, foreign_keys, relations_of


@dataclass(frozen=True, slots=True)
class Reflected:
    """What a database gave: classes in the order of table names, tables left out, and foreign keys left out."""

    classes: tuple[type, ...]
    refused: tuple[Refusal, ...]
    unrelated: tuple[Refusal, ...]


def reflect(connection: Connection, *, progress: Progress | None = None) -> Reflected:
    """Map the tables of a database on a fresh registry.

    Takes the tables that the connection sees without naming a schema. Made for `AsyncConnection.run_sync` as well as
    for a sync connection. `progress` is told the stage (`"reading"`, `"mapping"`), the tables done and their number.
    Raises what the driver raises. The classes have no `__tablename__`: nobody chose one.
    """
    report = progress or (lambda stage, done, total: None)
    found = catalogue.read(connection, report)
    keys, unrelated = foreign_keys(found.tables, known=found.known)
    classes = _mapped(found.tables, keys, relations_of(found.tables, keys), report)
    refused = tuple(Refusal(table, reason) for table, reason in sorted(found.refused.items()))
    return Reflected(classes, refused, tuple(unrelated))


def _mapped(
    tables: Mapping[str, Facts], keys: Sequence[Key], relations: Sequence[Relation], report: Progress
) -> tuple[type, ...]:
    """Build tables and classes, and map one on the other with the relations."""
    mappers = registry()
    built = {name: _table(name, facts, mappers.metadata) for name, facts in tables.items()}
    for key in keys:
        targets = [built[key.parent].c[name] for name in key.referred]
        built[key.child].append_constraint(ForeignKeyConstraint(key.columns, targets))
    called: dict[str, str] = {}  # class name → table
    for name in tables:
        called[naming.unused([naming.class_name(name)], called)] = name
    classes = {table: type(name, (), {"__init__": mappers.constructor}) for name, table in called.items()}
    # Relations that write the same columns of a table know of each other: a link row is reached as a row of its own and
    # through the link, and foreign keys may share columns.
    writers: dict[str, set[str]] = defaultdict(set)
    for relation in relations:
        writers[relation.key.child].add(relation.name)
    properties: dict[str, dict[str, Any]] = defaultdict(dict)
    for relation in relations:
        overlaps = ",".join(sorted(writers[relation.key.child]))
        properties[relation.owner][relation.name] = _property(relation, built, classes, overlaps)
    for done, name in enumerate(tables, start=1):
        mappers.map_imperatively(classes[name], built[name], properties=properties[name])
        report("mapping", done, len(tables))
    mappers.configure()
    return tuple(classes.values())


def _table(name: str, facts: Facts, metadata: MetaData) -> Table:
    unique = (UniqueConstraint(*names, name=constraint) for constraint, names in facts.unique)
    columns = (_column(column, in_key=column["name"] in facts.key) for column in facts.columns)
    return Table(name, metadata, *columns, PrimaryKeyConstraint(*facts.key), *unique, info={REFLECTED: True})


def _column(stated: ReflectedColumn, *, in_key: bool) -> Column[Any]:
    made: list[Computed | Identity] = []
    if "computed" in stated:
        made.append(Computed(**stated["computed"]))
    if "identity" in stated:
        made.append(Identity(**stated["identity"]))
    default = stated["default"]
    return Column(
        stated["name"],
        stated["type"],
        *made,
        nullable=stated["nullable"] and not in_key,  # SQLite calls even a rowid nullable
        autoincrement=stated.get("autoincrement", "auto"),
        server_default=None if default is None else text(default),
        comment=stated.get("comment"),
    )


def _property(
    relation: Relation, tables: Mapping[str, Table], classes: Mapping[str, type], overlaps: str
) -> RelationshipProperty[Any]:
    key, far = relation.key, relation.far
    child, parent = tables[key.child].c, tables[key.parent].c
    pairs = [(child[name], parent[referred]) for name, referred in zip(key.columns, key.referred, strict=True)]
    if relation.forward:
        join = and_(*(foreign(mine) == remote(theirs) for mine, theirs in pairs))
    else:
        join = and_(*(foreign(theirs) == mine for theirs, mine in pairs))
    if far is None:
        second = None
    else:
        ends = zip(far.columns, far.referred, strict=True)
        second = and_(*(foreign(child[name]) == tables[far.parent].c[referred] for name, referred in ends))
    return relationship(
        classes[relation.target],
        primaryjoin=join,
        secondary=None if far is None else tables[key.child],
        secondaryjoin=second,
        uselist=relation.many,
        back_populates=relation.reverse,
        overlaps=overlaps,
        passive_deletes="all",  # what becomes of other rows is for the foreign keys to say: nobody declared more
    )
