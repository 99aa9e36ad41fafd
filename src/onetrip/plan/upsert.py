"""`on_conflict` and `update` → `Upsert`: the unique key that was named, and what changes of a row that has it already.

A key can be named that a client sees and sends as a whole, and that the database holds to at once: a deferrable one
decides nothing before the commit.
"""

from collections.abc import Iterable, Iterator

from onetrip.errors import ErrorItem, Invalid
from onetrip.plan.mutations import Upsert
from onetrip.plan.resolve import field_named
from onetrip.query import ast
from onetrip.schema.model import Constraint, Field, ResourceSchema

Key = tuple[str, ...]


def unique_keys(resource: ResourceSchema) -> dict[Key, Constraint]:
    """List the unique keys that `on_conflict` can name, by their names; those without a condition first.

    There are none where rows are written by a session: what its hooks see is a row that is new, or one that is there.
    """
    writes = resource.writes
    if writes.create is None or {"create", "update"} & writes.unit_of_work.keys():
        return {}
    given = {column.attribute for column in writes.create.columns.values()}
    found: dict[Key, Constraint] = {}
    for constraint in sorted(writes.constraints, key=lambda each: each.where is not None):
        if _is_usable(constraint, resource, given):
            found.setdefault(constraint.fields, constraint)
    return found


def _is_usable(constraint: Constraint, resource: ResourceSchema, given: set[str]) -> bool:
    if constraint.kind not in ("unique", "primary_key") or constraint.deferrable:
        return False
    fields = [resource.fields[name] for name in constraint.fields if name in resource.fields]
    whole = 0 < len(fields) == len(constraint.columns)
    return whole and all(field.attribute in given for field in fields)


def plan_upsert(
    wanted: ast.Upsert, resource: ResourceSchema, columns: Iterable[Field], sent: Iterable[Field]
) -> Upsert:
    """Plan what happens to a row that is there already: what was `sent` changes, unless `update` says less.

    `columns` are those that a new row is made of. Raises `Invalid` for names that are no unique key, a key that the
    body leaves out, and columns that cannot be changed.
    """
    constraint = _named(wanted, resource)
    key = tuple(resource.fields[name] for name in constraint.fields)
    given = {column.attribute for column in columns}
    missing = [part.name for part in key if part.attribute not in given]
    if missing:
        raise Invalid.of(
            [
                ErrorItem(("body", name), f"'{name}' must be given: 'on_conflict' names it.", "missing")
                for name in missing
            ]
        )
    if wanted.update is None:
        changing = _changeable(resource) - {part.attribute for part in key}
    else:
        changing = {column.attribute for column in _chosen(wanted.update, resource)}
    return Upsert(
        constraint=constraint, key=key, changed=tuple(column for column in sent if column.attribute in changing)
    )


def _named(wanted: ast.Upsert, resource: ResourceSchema) -> Constraint:
    keys = unique_keys(resource)
    for names, constraint in keys.items():
        if set(names) == set(wanted.key):
            return constraint
    text = ",".join(wanted.key)[:100]
    if keys:
        hint = f"There are: {'; '.join(','.join(names) for names in keys)}."
    elif resource.writes.unit_of_work:
        hint = "Rows of it are written one by one by code of the server: send POST or PATCH."
    else:
        hint = "It has none whose columns a client sends."
    raise Invalid.at(
        ("query", "on_conflict"), f"'{text}' is not a unique key of '{resource.name}'.", "unknown_key", hint
    )


def _changeable(resource: ResourceSchema) -> set[str]:
    update = resource.writes.update
    return set() if update is None else {column.attribute for column in update.columns.values()}


def _chosen(names: Iterable[str], resource: ResourceSchema) -> Iterator[Field]:
    changeable = _changeable(resource)
    for name in names:
        found = field_named(resource, tuple(name.split(".")), ("query", "update"))
        if found.attribute not in changeable:
            raise Invalid.at(("query", "update"), f"'{name}' of '{resource.name}' cannot be changed.", "read_only")
        yield found
