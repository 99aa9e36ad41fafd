"""Indexes and unique constraints that only have another name, as those of a table that was renamed: not built anew."""

from collections.abc import Iterable
from typing import Any

from alembic.operations import ops
from sqlalchemy.sql.compiler import IdentifierPreparer

from onetrip.migrations.generate.operations import Statement, flat

Kind = ops.CreateIndexOp | ops.CreateUniqueConstraintOp


def renamed(operations: Iterable[ops.MigrateOperation], quote: IdentifierPreparer) -> list[ops.MigrateOperation]:
    """Put a change of its name in place of what drops and creates the same thing; take all out of their groups."""
    every = list(flat(operations))
    dropped = {_same(back): each for each in every if (back := _dropped(each)) is not None}
    found: list[ops.MigrateOperation] = []
    gone: list[ops.MigrateOperation] = []
    for each in every:
        old = dropped.pop(_same(each), None) if isinstance(each, Kind) else None
        if old is None or not isinstance(each, Kind) or _is_called(_dropped(old), each):  # the columns are made anew
            found.append(each)
        else:
            gone.append(old)
            found.append(_rename(each, _dropped(old), quote))
    return [each for each in found if not any(each is old for old in gone)]


def _dropped(operation: ops.MigrateOperation) -> Kind | None:
    """Answer what an operation drops, as it would be created."""
    if isinstance(operation, ops.DropIndexOp):
        return operation.reverse()
    if isinstance(operation, ops.DropConstraintOp) and operation.constraint_type == "unique" and operation._reverse:
        back = operation.reverse()
        return back if isinstance(back, ops.CreateUniqueConstraintOp) else None
    return None


def _same(operation: Kind) -> tuple[Any, ...]:
    """Answer all but the name."""
    index = isinstance(operation, ops.CreateIndexOp)
    columns = tuple(str(getattr(column, "name", column)) for column in operation.columns)
    said = (each for each in operation.kw.items() if each[1] is not None and each[1] is not False)
    options = sorted((name, str(value)) for name, value in said)
    return index, operation.schema, operation.table_name, columns, getattr(operation, "unique", True), tuple(options)


def _is_called(old: Kind | None, new: Kind) -> bool:
    return old is not None and _name(old) == _name(new)


def _rename(new: Kind, old: Kind | None, quote: IdentifierPreparer) -> Statement:
    assert old is not None
    schema = f"{quote.quote_schema(new.schema)}." if new.schema else ""
    before, after = (_name(each) for each in (old, new))
    one, other = quote.quote(before), quote.quote(after)
    if isinstance(new, ops.CreateIndexOp):
        return Statement(f"ALTER INDEX {schema}{one} RENAME TO {other}", f"ALTER INDEX {schema}{other} RENAME TO {one}")
    table = f"ALTER TABLE {schema}{quote.quote(new.table_name)} RENAME CONSTRAINT"
    return Statement(f"{table} {one} TO {other}", f"{table} {other} TO {one}")


def _name(operation: Kind) -> str:
    return str(operation.index_name if isinstance(operation, ops.CreateIndexOp) else operation.constraint_name)
