"""Database → mapped classes: the tables that are there, as the classes that a user would have written for them.

Reads the facts (columns, keys, uniqueness) through SQLAlchemy's inspector, derives the relations from the foreign keys,
has `naming` call them, and maps one class per table on a registry of its own. Here lives what follows from the
catalogue alone: it reads no rows, writes nothing, and knows no resource and no HTTP. The rules are written down for
users in `docs/reflected-databases.md`.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Column,
    Computed,
    Connection,
    ForeignKeyConstraint,
    Identity,
    Inspector,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    and_,
    inspect,
    text,
)
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedForeignKeyConstraint, ReflectedIndex
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import RelationshipProperty, foreign, registry, relationship, remote

from onetrip.schema import naming

Progress = Callable[[str, int, int], None]

_BATCH = 50
# What the inspector does not tell apart, per dialect: (schema, name, kind) of what only looks like a table.
_KINDS = {
    "sqlite": "PRAGMA table_list",
    "postgresql": """
        SELECT relnamespace, relname,
               CASE WHEN relispartition THEN 'partition' WHEN relkind = 'f' THEN 'foreign' ELSE 'view' END
        FROM pg_class
        WHERE (relispartition OR relkind IN ('f', 'm', 'v')) AND pg_table_is_visible(oid)
          AND relnamespace <> 'pg_catalog'::regnamespace
    """,
}
_PARTS = ("partition", "shadow")  # the storage of another table
_WITHOUT_KEY = {"view": "a view", "virtual": "a virtual table", "foreign": "a foreign table"}
_REMEDY = "write a class for it in a Python file, mark the columns that identify a row as primary_key, and serve that."
_NO_KEY = f"It has no primary key, so its rows have no address. Add one to the table, or {_REMEDY}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A table that is left out, whole or in part, and why."""

    table: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reflected:
    """What a database gave: classes in the order of table names, tables left out, and foreign keys left out."""

    classes: tuple[type, ...]
    refused: tuple[Refusal, ...]
    unrelated: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the catalogue says about one table."""

    columns: Sequence[ReflectedColumn]
    key: Sequence[str]
    foreign_keys: Sequence[ReflectedForeignKeyConstraint]
    indexes: Sequence[ReflectedIndex]

    @property
    def names(self) -> list[str]:
        return [column["name"] for column in self.columns]

    @property
    def unique(self) -> list[tuple[str | None, list[str]]]:
        """Name and columns of what is unique over all rows: not partial, not over an expression."""
        return [
            (index["name"], [name for name in index["column_names"] if name is not None])
            for index in self.indexes
            if index["unique"]
            and None not in index["column_names"]
            and not any(option.endswith("_where") for option in index.get("dialect_options", {}))
        ]


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key between two served tables. `own` columns tell it from the others to the same table."""

    child: str
    columns: tuple[str, ...]
    parent: str
    referred: tuple[str, ...]
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Relation:
    """One direction of a relation between two tables."""

    owner: str
    target: str
    name: str
    reverse: str | None
    key: _Key
    forward: bool = False  # along the foreign key, to one
    many: bool = False
    far: _Key | None = None  # the other key of the link table


def reflect(connection: Connection, *, progress: Progress | None = None) -> Reflected:
    """Map the tables of a database on a fresh registry.

    Takes the tables that the connection sees without naming a schema. Made for `AsyncConnection.run_sync` as well as
    for a sync connection. `progress` is told the stage (`"reading"`, `"mapping"`), the tables done and their number.
    Raises what the driver raises. The classes have no `__tablename__`: nobody chose one.
    """
    report = progress or (lambda stage, done, total: None)
    inspector = inspect(connection)
    names, refused, parts = _tables(connection, inspector)
    facts = _read(inspector, names, parts, report)
    objections = {table: reason for table in facts if (reason := _objection(facts[table]))}
    refused |= objections
    served = {table: facts[table] for table in facts if table not in objections}
    keys, unrelated = _keys(served, known=facts.keys())
    classes = _mapped(served, keys, _relations(served, keys), report)
    return Reflected(classes, tuple(Refusal(table, refused[table]) for table in sorted(refused)), tuple(unrelated))


# The catalogue


def _tables(connection: Connection, inspector: Inspector) -> tuple[list[str], dict[str, str], set[str]]:
    """List the tables to look at, sorted; those that need no look, with the reason; and those that are part of one."""
    rows = connection.exec_driver_sql(_KINDS[connection.dialect.name])
    kinds = {name: kind for _, name, kind, *_ in rows if kind in _PARTS or kind in _WITHOUT_KEY}
    tables = sorted(name for name in inspector.get_table_names() if name not in kinds and not _of_a_tool(name))
    refused = {
        name: f"It is {_WITHOUT_KEY[kind]}, which has no primary key. To serve it, {_REMEDY}"
        for name, kind in kinds.items()
        if kind in _WITHOUT_KEY and not _of_a_tool(name)
    }
    return tables, refused, {name for name, kind in kinds.items() if kind in _PARTS}


def _of_a_tool(table: str) -> bool:
    return table == "alembic_version" or table.startswith(("onetrip_", "sqlite_"))


def _read(inspector: Inspector, names: Sequence[str], parts: Set[str], report: Progress) -> dict[str, _Facts]:
    """Read the facts of the tables, a batch at a time.

    A foreign key to a partitioned table is not taken again for each of its parts, as PostgreSQL repeats it.
    """
    facts: dict[str, _Facts] = {}
    for start in range(0, len(names), _BATCH):
        batch = names[start : start + _BATCH]
        with warnings.catch_warnings():
            # A type that SQLAlchemy does not know is left as NullType: who reads the mapper decides what to make of it.
            warnings.simplefilter("ignore", SAWarning)
            columns = inspector.get_multi_columns(filter_names=batch)
            primary_keys = inspector.get_multi_pk_constraint(filter_names=batch)
            foreign_keys = inspector.get_multi_foreign_keys(filter_names=batch)
            # Not the unique constraints: on SQLite they are parsed out of the SQL text, with gaps, where the automatic
            # indexes are the whole truth; on PostgreSQL each one is an index anyway.
            indexes = inspector.get_multi_indexes(filter_names=batch, include_auto_indexes=True)
        for at in columns:
            whole = [stated for stated in foreign_keys[at] if stated["referred_table"] not in parts]
            facts[at[1]] = _Facts(columns[at], primary_keys[at]["constrained_columns"], whole, indexes[at])
        report("reading", start + len(batch), len(names))
    return dict(sorted(facts.items()))


def _objection(facts: _Facts) -> str | None:
    """Give the reason, if any, why a table cannot be served."""
    if not facts.key:
        return _NO_KEY
    for name in facts.names:
        if name.startswith("_sa_") or (name.startswith("__") and name.endswith("__")):
            return f"Its column {name!r} has a name that Python or SQLAlchemy keeps for itself. Rename the column."
    return None


# Foreign keys


def _keys(tables: Mapping[str, _Facts], known: Set[str]) -> tuple[list[_Key], list[Refusal]]:
    """Resolve the foreign keys among the served tables, in the order of tables and columns."""
    keys: list[_Key] = []
    unrelated: list[Refusal] = []
    any_case = {table.lower(): table for table in known}
    for child, facts in tables.items():
        found: set[_Key] = set()
        for stated in facts.foreign_keys:
            parent = stated["referred_table"]
            if parent not in known:  # SQLite takes names in any case; PostgreSQL knows every table it refers to
                parent = any_case.get(parent.lower(), parent)
            if key := _resolved(child, stated, parent, tables):
                found.add(key)
            else:
                unrelated.append(Refusal(child, _unresolved(stated, parent)))
        position = {name: index for index, name in enumerate(facts.names)}
        ordered = sorted(found, key=lambda key: ([position[name] for name in key.columns], key.parent, key.referred))
        keys += [replace(key, own=_own_columns(key, ordered)) for key in ordered]
    return keys, sorted(unrelated, key=lambda refusal: (refusal.table, refusal.reason))


def _resolved(
    child: str, stated: ReflectedForeignKeyConstraint, parent: str, tables: Mapping[str, _Facts]
) -> _Key | None:
    if parent not in tables or stated["referred_schema"] is not None:
        return None
    columns = stated["constrained_columns"]
    # Where a key of SQLite names no column, SQLAlchemy finds it only if the case of the table's name is right.
    referred = stated["referred_columns"] or tables[parent].key
    exact = {name: name for name in tables[parent].names}
    any_case = {name.lower(): name for name in exact}
    found = tuple(exact.get(name) or any_case.get(name.lower(), "") for name in referred)
    if len(found) != len(columns) or not all(found) or not {*columns} <= {*tables[child].names}:
        return None
    return _Key(child, tuple(columns), parent, found)


def _unresolved(stated: ReflectedForeignKeyConstraint, parent: str) -> str:
    columns, referred = ", ".join(stated["constrained_columns"]), ", ".join(stated["referred_columns"])
    target = ".".join(filter(None, (stated["referred_schema"], parent))) + (f" ({referred})" if referred else "")
    return f"Its foreign key ({columns}) makes no relation: {target} is not served."


def _own_columns(key: _Key, siblings: Sequence[_Key]) -> tuple[str, ...]:
    others = {name for other in siblings if other != key and other.parent == key.parent for name in other.columns}
    return tuple(name for name in key.columns if name not in others) or key.columns


def _is_unique(columns: Sequence[str], facts: _Facts) -> bool:
    return any({*unique} <= {*columns} for unique in (facts.key, *(names for _, names in facts.unique)))


def _links(tables: Mapping[str, _Facts], keys: Sequence[_Key]) -> dict[str, tuple[_Key, _Key]]:
    """Find the pure link tables: those that say which pairs of rows belong together, and nothing else.

    That is: two foreign keys, every column in one of them, all columns in the primary key, and no key within the other.
    """
    by_child: dict[str, list[_Key]] = defaultdict(list)
    for key in keys:
        by_child[key.child].append(key)
    links: dict[str, tuple[_Key, _Key]] = {}
    for table, found in by_child.items():
        if len(found) == 2:
            left, right = ({*key.columns} for key in found)
            everything = {*tables[table].names}
            if left | right == everything == {*tables[table].key} and left - right and right - left:
                links[table] = (found[0], found[1])
    return links


# Relations


def _relations(tables: Mapping[str, _Facts], keys: Sequence[_Key]) -> list[_Relation]:
    """Name every relation: first all that follow a foreign key, then the ways back, then those through link tables."""
    links = _links(tables, keys)
    taken = {table: {*facts.names} for table, facts in tables.items()}

    def choose(owner: str, candidates: Sequence[str]) -> str:
        name = naming.unused(candidates, taken[owner])
        taken[owner].add(name)
        return name

    forward = {key: choose(key.child, naming.to_one(key.own, key.parent)) for key in keys}
    back = {}
    siblings = Counter((key.child, key.parent) for key in keys)
    single = {key for key in keys if _is_unique(key.columns, tables[key.child])}
    for key in keys:
        if key.child not in links:
            rule = naming.one_to_one if key in single else naming.to_many
            alone = siblings[key.child, key.parent] == 1
            back[key] = choose(key.parent, rule(key.child, naming.stem(key.own, key.parent), alone=alone))
    through = {}
    joints = Counter(frozenset((left.parent, right.parent)) for left, right in links.values())
    for pair in links.values():
        alone = joints[frozenset(key.parent for key in pair)] == 1
        for near, far in (pair, pair[::-1]):
            same = near.parent == far.parent
            called = naming.stem(far.own, far.parent) if same else far.parent
            through[near, far] = choose(near.parent, naming.many_to_many(called, near.child, alone=alone))
    to_one = [_Relation(key.child, key.parent, forward[key], back.get(key), key, forward=True) for key in keys]
    to_many = [_Relation(key.parent, key.child, back[key], forward[key], key, many=key not in single) for key in back]
    linked = [
        _Relation(near.parent, far.parent, name, through[far, near], near, many=True, far=far)
        for (near, far), name in through.items()
    ]
    return to_one + to_many + linked


# Classes


def _mapped(
    tables: Mapping[str, _Facts], keys: Sequence[_Key], relations: Sequence[_Relation], report: Progress
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


def _table(name: str, facts: _Facts, metadata: MetaData) -> Table:
    unique = (UniqueConstraint(*names, name=constraint) for constraint, names in facts.unique)
    columns = (_column(column, in_key=column["name"] in facts.key) for column in facts.columns)
    return Table(name, metadata, *columns, PrimaryKeyConstraint(*facts.key), *unique)


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
    relation: _Relation, tables: Mapping[str, Table], classes: Mapping[str, type], overlaps: str
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
    )
