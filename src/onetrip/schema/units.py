"""Which writes take a session of the ORM, and why: hooks, listeners, cascades of relationships.

Everything else is one statement. What is listened to on sessions as such, and not on a class, cannot be seen here.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, RelationshipProperty

from onetrip.hooks import Action, Hook, in_order
from onetrip.schema.declaration import Resource
from onetrip.schema.marks import deletion_of

_EVENTS: dict[Action, tuple[str, ...]] = {
    "create": ("before_insert", "after_insert"),
    "update": ("before_update", "after_update"),
    "delete": ("before_delete", "after_delete"),
    "restore": ("before_update", "after_update"),
}


def hooks_of(resource: Resource) -> dict[str, tuple[Hook, ...]]:
    """List the hooks of a resource by action, and those that follow a `commit`."""
    given = {
        "create": resource.before_create,
        "update": resource.before_update,
        "delete": resource.before_delete,
        "restore": resource.before_restore,
        "commit": resource.after_commit,
    }
    return {name: in_order(hooks) for name, hooks in given.items() if hooks}


def units_of_work(resource: Resource, mapper: Mapper[Any], reason: str | None) -> dict[str, str]:
    """Say why each action takes a session; actions that do not are left out. `reason` is why rows take one anyhow."""
    reasons: list[tuple[Action, str | None]] = [("create", reason), ("update", reason), ("delete", None)]
    if deletion_of(mapper) is not None:
        reasons.append(("restore", None))
    found = {action: next(iter(_reasons(action, resource, mapper)), why) for action, why in reasons}
    return {action: why for action, why in found.items() if why is not None}


def _reasons(action: Action, resource: Resource, mapper: Mapper[Any]) -> Iterator[str]:
    hooks = hooks_of(resource)
    for hook in hooks.get(action, ()):
        yield f"{_name(hook)} is called before it"
    for hook in hooks.get("commit", ()):
        yield f"{_name(hook)} is called after it"
    yield from (f"somebody listens to {event}" for event in _EVENTS[action] if getattr(mapper.dispatch, event))
    if resource.history:
        yield "its history is kept"
    if action in ("create", "update") and mapper.validators:
        yield f"'{next(iter(mapper.validators))}' has a validator of SQLAlchemy's"
    if action == "delete":
        for relationship in mapper.relationships:
            if deletes(relationship):
                yield f"'{relationship.key}' is deleted with it by the ORM"


def deletes(relationship: RelationshipProperty[Any]) -> bool:
    """Say whether the ORM deletes rows or links at the end of a relationship, which the database does not by itself."""
    if relationship.viewonly or relationship.passive_deletes == "all":
        return False
    if relationship.secondary is not None:
        table, ends = relationship.secondary, {mapped for mapped, _ in relationship.synchronize_pairs}
        keys = [key for key in table.foreign_keys if key.column in ends] if isinstance(table, sa.Table) else []
        return not keys or not all(_cascades(key) for key in keys)
    if not relationship.cascade.delete:
        return False
    keys = [key for column in relationship.remote_side for key in getattr(column, "foreign_keys", ())]
    return not keys or not all(_cascades(key) for key in keys)


def _cascades(key: sa.ForeignKey) -> bool:
    return (key.ondelete or "").upper() == "CASCADE"


def _name(hook: Hook) -> str:
    return getattr(hook, "__name__", type(hook).__name__)
