"""A column gets another type: how PostgreSQL makes the new values, where it would guess wrong or not at all."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.engine import Dialect

_NUMBERS = (sa.Integer, sa.Numeric)


def cast(operations: list[ops.MigrateOperation], dialect: Dialect) -> None:
    """Say `USING` in the changes of types that need it. A default is no value: it goes before, and comes back after."""
    for each in list(_changes(operations)):
        using = _using(each, dialect)
        if using is None:
            continue
        each.kw["postgresql_using"] = using
        if each.modify_server_default is not False and each.existing_server_default:
            operations.insert(operations.index(each), _without_default(each))


def _changes(operations: list[ops.MigrateOperation]) -> Iterator[ops.AlterColumnOp]:
    for each in operations:  # none of them is in a group
        if isinstance(each, ops.AlterColumnOp) and each.modify_type is not None and each.existing_type is not None:
            yield each


def _without_default(change: ops.AlterColumnOp) -> ops.AlterColumnOp:
    return ops.AlterColumnOp(
        change.table_name, change.column_name, schema=change.schema, existing_type=change.existing_type,
        existing_nullable=change.existing_nullable, existing_server_default=change.existing_server_default,
        modify_server_default=None,
    )  # fmt: skip


def _using(change: ops.AlterColumnOp, dialect: Dialect) -> str | None:
    """Answer the expression: a moment without a time zone is in UTC; other types are cast."""
    before: Any = change.existing_type
    after: Any = change.modify_type
    column = dialect.identifier_preparer.quote(change.column_name)
    if _is_moment(before) and _is_moment(after):
        aware = _is_aware(before) != _is_aware(after)
        return f"{column} AT TIME ZONE 'UTC'" if aware else None
    if before._type_affinity is after._type_affinity or isinstance(after, sa.String):  # what is text is cast unasked
        return None
    if isinstance(before, _NUMBERS) and isinstance(after, _NUMBERS):
        return None
    return f"{column}::{after.compile(dialect=dialect)}"


def _is_moment(type_: Any) -> bool:
    return bool(type_._type_affinity is sa.DateTime)


def _is_aware(type_: Any) -> bool:
    implementation = type_.impl if isinstance(type_, sa.types.TypeDecorator) else type_
    return bool(getattr(implementation, "timezone", False))
