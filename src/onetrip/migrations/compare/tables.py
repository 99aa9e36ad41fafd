"""A table's constraints and indexes, on both sides: which go, which come, and in which order."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import PriorityDispatchResult, sqla_compat
from sqlalchemy.sql.elements import conv

from onetrip.migrations.compare import definitions
from onetrip.migrations.compare.columns import beside_key, counted, remade
from onetrip.migrations.compare.operations import Statements, as_text, escaped
from onetrip.migrations.compare.sides import column, sides
from onetrip.migrations.snapshot.model import Constraint, Index, Table
from onetrip.schema.catalogue import SEARCHED

_ORDER = ("primary", "unique", "exclude", "check", "foreign")
_CAST = re.compile(
    r'::(?:"[^"]+"|[a-z_]+(?: varying| precision| with(?:out)? time zone)?)(?:\(\d+(?:,\d+)?\))?(?:\[\])?'
)
_AROUND = re.compile(r"""(?<![\w"])\((\w+|"[^"]+"|'(?:[^']|'')*')\)""")

Found = TypeVar("Found", Constraint, Index)


def compare_table(
    context: AutogenContext, changes: ops.ModifyTableOps, schema: str | None, name: str, there: sa.Table | None,
    here: sa.Table | None,
) -> PriorityDispatchResult:  # fmt: skip
    """Say what differs in the constraints and the indexes of a table."""
    assert context.dialect is not None
    dialect = context.dialect.name
    if there is None:
        assert here is not None
        changes.ops += [ops.CreateIndexOp.from_index(each) for each in _by_name(here.indexes)]
    elif here is None:
        before = sides(context).there.tables.get((schema, name))
        changes.ops += [definitions.drop_index(before.name, each, dialect) for each in before.indexes] if before else []
    else:
        changes.ops += _changes(context, there, here, *sides(context).tables(schema, name))
    return PriorityDispatchResult.CONTINUE


def _changes(
    context: AutogenContext, there: sa.Table, here: sa.Table, before: Table, after: Table
) -> Iterator[ops.MigrateOperation]:
    assert context.dialect is not None
    dialect = context.dialect.name
    again = remade(before, after)
    gone, new = _unmatched(before.constraints, after.constraints, _constraint, again)
    kept = [each for each in before.indexes if SEARCHED not in each.columns or column(after, SEARCHED) is not None]
    old, made = _unmatched(kept, after.indexes, _index, again)
    for each in reversed(_ordered(gone)):
        covering = _covering(context, each, before)
        yield definitions.drop(before.name, each) if covering is None else covering.reverse()
    for index in old:
        yield definitions.drop_index(before.name, index, dialect)
    for name in again:
        yield ops.DropColumnOp.from_column_and_tablename(here.schema, here.name, there.c[name])
        yield ops.AddColumnOp.from_column_and_tablename(here.schema, here.name, here.c[name])
    yield from counted(context, before, after)
    yield from beside_key(context, before, after, there)
    written = checks(context, here)
    for each in _ordered(new):
        yield _covering(context, each, after) or definitions.add(after.name, each, written(each))
    indexes = {str(sqla_compat._get_constraint_final_name(each, context.dialect)): each for each in here.indexes}
    for index in made:
        yield ops.CreateIndexOp.from_index(indexes[index.name])
    yield from _validations(context, before, after)


def checks(context: AutogenContext, table: sa.Table) -> Callable[[Constraint], sa.CheckConstraint | None]:
    """Find what somebody wrote in a CHECK: the database tells it in more words."""
    impl = context.migration_context.impl
    found = {
        sqla_compat._get_constraint_final_name(each, context.dialect): each
        for each in sqla_compat.all_table_check_constraints(table)
    }

    def written(constraint: Constraint) -> sa.CheckConstraint | None:
        check = found.get(constraint.name) if constraint.kind == "check" and constraint.name is not None else None
        if check is None:
            return None
        text = escaped(as_text(impl, check.sqltext))
        return sa.CheckConstraint(sa.text(text), name=conv(str(constraint.name)))

    return written


def _unmatched(
    there: Sequence[Found], here: Sequence[Found], words: Callable[[Found], Any], again: Collection[str]
) -> tuple[list[Found], list[Found]]:  # fmt: skip
    """Leave out what the database describes equally on both sides, unless its columns are made anew."""

    def alone(some: Iterable[Found], others: Iterable[Found]) -> list[Found]:
        left = Counter(words(each) for each in others)
        found = []
        for each in some:
            known = left[words(each)] > 0
            left[words(each)] -= known
            if not known or any(re.search(rf"\b{re.escape(name)}\b", each.definition) for name in again):
                found.append(each)
        return found

    return alone(there, here), alone(here, there)


def bare(definition: str) -> str:
    """Leave out casts, and parentheses around a name or a value: PostgreSQL writes others after a change of a type."""
    text = _CAST.sub("", definition)
    while (less := _AROUND.sub(r"\1", text)) != text:
        text = less
    return text


def _constraint(found: Constraint) -> tuple[str, str]:
    return found.kind, bare(found.definition)


def _index(found: Index) -> tuple[str, bool, bool]:
    return bare(found.definition), found.unique, found.valid


def _ordered(found: Iterable[Constraint]) -> list[Constraint]:
    return sorted(found, key=lambda each: (_ORDER.index(each.kind), each.name or "", each.definition))


def _by_name(indexes: Iterable[sa.Index]) -> list[sa.Index]:
    return sorted(indexes, key=lambda each: str(each.name))


def _covering(context: AutogenContext, found: Constraint, table: Table) -> Statements | None:
    """Add a key that INCLUDEs columns, which Alembic cannot."""
    if found.kind not in ("primary", "unique") or ") INCLUDE (" not in found.definition:
        return None
    assert context.dialect is not None
    quote = context.dialect.identifier_preparer
    alter = f"ALTER TABLE {quote.format_table(sa.table(table.name[1], schema=table.name[0]))}"
    name = quote.quote(str(found.name))
    return Statements(f"{alter} ADD CONSTRAINT {name} {found.definition}", back=[f"{alter} DROP CONSTRAINT {name}"])


def _validations(context: AutogenContext, before: Table, after: Table) -> Iterator[Statements]:
    """Look at the rows that a constraint was not asked about when it was added NOT VALID."""
    assert context.dialect is not None
    quote = context.dialect.identifier_preparer
    valid = {_constraint(each) for each in after.constraints if each.valid}
    table = quote.format_table(sa.table(before.name[1], schema=before.name[0]))
    for each in before.constraints:
        if not each.valid and _constraint(each) in valid and each.name is not None:
            yield Statements(f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote.quote(each.name)}")
