"""Facts → relations: what the foreign keys of a catalogue say, and how each direction of them is called.

Foreign keys that lead nowhere are left out with a word; pure link tables join the two tables that they are between.
`naming` has the rules by which relations are called; here is decided which there are, and in which order they choose.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint

from onetrip.schema import naming
from onetrip.schema.catalogue import Facts, Refusal


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key between two served tables. `own` columns tell it from the others to the same table."""

    child: str
    columns: tuple[str, ...]
    parent: str
    referred: tuple[str, ...]
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """One direction of a relation between two tables."""

    owner: str
    target: str
    name: str
    reverse: str | None
    key: Key
    forward: bool = False  # along the foreign key, to one
    many: bool = False
    far: Key | None = None  # the other key of the link table


def foreign_keys(tables: Mapping[str, Facts], known: Set[str]) -> tuple[list[Key], list[Refusal]]:
    """Resolve the foreign keys among the served tables, in the order of tables and columns."""
    keys: list[Key] = []
    unrelated: list[Refusal] = []
    any_case = {table.lower(): table for table in known}
    for child, facts in tables.items():
        found: set[Key] = set()
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
    child: str, stated: ReflectedForeignKeyConstraint, parent: str, tables: Mapping[str, Facts]
) -> Key | None:
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
    return Key(child, tuple(columns), parent, found)


def _unresolved(stated: ReflectedForeignKeyConstraint, parent: str) -> str:
    columns, referred = ", ".join(stated["constrained_columns"]), ", ".join(stated["referred_columns"])
    target = ".".join(filter(None, (stated["referred_schema"], parent))) + (f" ({referred})" if referred else "")
    return f"Its foreign key ({columns}) makes no relation: {target} is not served."


def _own_columns(key: Key, siblings: Sequence[Key]) -> tuple[str, ...]:
    others = {name for other in siblings if other != key and other.parent == key.parent for name in other.columns}
    return tuple(name for name in key.columns if name not in others) or key.columns


def _is_unique(columns: Sequence[str], facts: Facts) -> bool:
    return any({*unique} <= {*columns} for unique in (facts.key, *(names for _, names in facts.unique)))


def _links(tables: Mapping[str, Facts], keys: Sequence[Key]) -> dict[str, tuple[Key, Key]]:
    """Find the pure link tables: those that say which pairs of rows belong together, and nothing else.

    That is: two foreign keys, every column in one of them, all columns in the primary key, and no key within the other.
    """
    by_child: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        by_child[key.child].append(key)
    links: dict[str, tuple[Key, Key]] = {}
    for table, found in by_child.items():
        if len(found) == 2:
            left, right = ({*key.columns} for key in found)
            everything = {*tables[table].names}
            if left | right == everything == {*tables[table].key} and left - right and right - left:
                links[table] = (found[0], found[1])
    return links


def relations_of(tables: Mapping[str, Facts], keys: Sequence[Key]) -> list[Relation]:
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
    to_one = [Relation(key.child, key.parent, forward[key], back.get(key), key, forward=True) for key in keys]
    to_many = [Relation(key.parent, key.child, back[key], forward[key], key, many=key not in single) for key in back]
    linked = [
        Relation(near.parent, far.parent, name, through[far, near], near, many=True, far=far)
        for (near, far), name in through.items()
    ]
    return to_one + to_many + linked
