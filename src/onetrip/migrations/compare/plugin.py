"""Alembic's plugin: where its comparison asks us, and what a script needs as a whole."""

import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy.exc import SAWarning

from onetrip.migrations.compare import definitions, searches, types
from onetrip.migrations.compare.columns import compare_column
from onetrip.migrations.compare.operations import DropTable
from onetrip.migrations.compare.sides import Sides, declared_in, sides
from onetrip.migrations.compare.tables import checks, compare_table
from onetrip.migrations.snapshot.model import Name, Table
from onetrip.schema.catalogue import SEARCHED
from onetrip.schema.model import Search

NAME = "onetrip.migrations.compare"
PLUGINS = (*(f"alembic.autogenerate.{name}" for name in ("schemas", "tables", "comments")), NAME)


def options(
    metadata: Sequence[sa.MetaData], created: Callable[[], Collection[Name]], searched: Sequence[Search] = ()
) -> Mapping[str, Any]:
    """Say to Alembic what is compared. `created` names the tables that revisions made: no others are ever dropped."""
    schemas = {table.schema for each in metadata for table in each.tables.values()} | {None}

    def include_name(name: str | None, kind: str, _: Any) -> bool:
        return kind != "schema" or name in schemas

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        if not reflected or other is not None:
            return True
        if kind == "table":
            return (item.schema, name) in created()
        return not (kind == "column" and name == SEARCHED)

    return {
        "autogenerate_plugins": list(PLUGINS),
        "include_schemas": schemas != {None},
        "include_name": include_name,
        "include_object": include_object,
        searches.OPTION: searched,
    }


@contextmanager
def without_reflection_warnings() -> Iterator[None]:
    """Say nothing of what Alembic's reading leaves out: ours does not."""
    with warnings.catch_warnings():
        for message in (
            "Skipped unsupported reflection of expression", "Can't validate argument 'dialect_options'",
            "Cannot correctly sort tables",
        ):  # fmt: skip
            warnings.filterwarnings("ignore", message, SAWarning)
        yield


def complete(context: AutogenContext, script: ops.UpgradeOps) -> PriorityDispatchResult:
    """Put into a script what no single table knows: constraints of whole tables, an order, and what comes first."""
    both = sides(context)
    models = {_name(context, table): table for each in declared_in(context) for table in each.tables.values()}
    for position, operation in enumerate(script.ops):
        if isinstance(operation, ops.CreateTableOp):
            name = (_schema(context, operation.schema), operation.table_name)
            written = checks(context, models[name])
            _fill(operation, both.here.tables[name], lambda each, written=written: written(each))
        elif isinstance(operation, ops.DropTableOp):
            script.ops[position] = _dropped(operation, both)
    assert context.dialect is not None
    if context.dialect.supports_alter:
        _order_foreign_keys(script)
    unsearched, searched = searches.changed(context, script.ops)
    script.ops[:] = [
        *unsearched, *types.first(context, both), *_drops_last(script.ops, both),
        *types.last(context, both, script.ops), *searched,
    ]  # fmt: skip
    return PriorityDispatchResult.CONTINUE


def _schema(context: AutogenContext, schema: str | None) -> str | None:
    assert context.connection is not None
    return None if schema == context.connection.dialect.default_schema_name else schema


def _name(context: AutogenContext, table: sa.Table) -> Name:
    return _schema(context, table.schema), table.name


def _fill(operation: ops.CreateTableOp, table: Table, written: Any) -> None:
    """Give a table its constraints, all of them, as constraints of the table."""
    made = [written(each) for each in table.constraints]
    operation.columns = [
        *(each for each in operation.columns if isinstance(each, sa.Column)),
        *(
            definitions.constraint(each, each.name) if check is None else check
            for each, check in zip(table.constraints, made, strict=True)
        ),
    ]
    operation._constraints_included = True


def _dropped(operation: ops.DropTableOp, both: Sides) -> ops.DropTableOp:
    table, back = both.there.tables.get((operation.schema, operation.table_name)), operation._reverse
    if table is None or back is None:
        return operation
    _fill(back, table, lambda each: None)
    return DropTable(operation.table_name, schema=operation.schema, table_kw=operation.table_kw, _reverse=back)


def _order_foreign_keys(script: ops.UpgradeOps) -> None:
    """Drop foreign keys before anything else, and make them after everything: they need keys of other tables."""
    drops: list[ops.MigrateOperation] = []
    adds: list[ops.MigrateOperation] = []
    for table in script.ops:
        if isinstance(table, ops.ModifyTableOps):
            for operation in list(table.ops):
                if isinstance(operation, ops.DropConstraintOp) and operation.constraint_type == "foreignkey":
                    drops.append(operation)
                elif isinstance(operation, ops.CreateForeignKeyOp):
                    adds.append(operation)
                else:
                    continue
                table.ops.remove(operation)
    known = set()
    for created in script.ops:
        if isinstance(created, ops.CreateTableOp):
            known.add(created.table_name)
            late = [each for each in _references(created) if _waits(each, script, known)]
            created.columns = [each for each in created.columns if all(each is not other for other in late)]
            for each in late:
                definitions.attach((created.schema, created.table_name), each)
                adds.append(ops.CreateForeignKeyOp.from_constraint(each))
    script.ops[:] = [*_grouped(drops), *(each for each in script.ops if not _empty(each)), *_grouped(adds)]


def _references(created: ops.CreateTableOp) -> list[sa.ForeignKeyConstraint]:
    return [each for each in created.columns if isinstance(each, sa.ForeignKeyConstraint)]


def _waits(item: sa.ForeignKeyConstraint, script: ops.UpgradeOps, known: set[str]) -> bool:
    """Whether a foreign key refers to a table that the script makes later."""
    later = {each.table_name for each in script.ops if isinstance(each, ops.CreateTableOp)} - known
    return any(element.target_fullname.rpartition(".")[0].rpartition(".")[2] in later for element in item.elements)


def _grouped(operations: Iterable[Any]) -> list[ops.MigrateOperation]:
    groups: dict[Name, ops.ModifyTableOps] = {}
    for each in operations:
        table = getattr(each, "source_table", None) or each.table_name
        schema = each.kw.get("source_schema") if isinstance(each, ops.CreateForeignKeyOp) else each.schema
        groups.setdefault((schema, table), ops.ModifyTableOps(table, [], schema=schema)).ops.append(each)
    return list(groups.values())


def _empty(operation: ops.MigrateOperation) -> bool:
    return isinstance(operation, ops.ModifyTableOps) and operation.is_empty()


def _drops_last(operations: Sequence[ops.MigrateOperation], both: Sides) -> list[ops.MigrateOperation]:
    """Drop tables after what refers to them: a table before those that it refers to."""
    drops = {(each.schema, each.table_name): each for each in operations if isinstance(each, ops.DropTableOp)}
    ordered: list[ops.MigrateOperation] = []
    seen: set[Name] = set()

    def visit(name: Name) -> None:
        if name in seen or name not in drops:
            return
        seen.add(name)
        for other, table in both.there.tables.items():
            refers = (each for each in table.constraints if each.kind == "foreign")
            if other in drops and any(definitions.refers(each, name) for each in refers):
                visit(other)
        ordered.append(drops[name])

    for name in sorted(drops, key=lambda name: (name[0] or "", name[1])):
        visit(name)
    return [*(each for each in operations if not isinstance(each, ops.DropTableOp)), *ordered]


def setup(plugin: Plugin) -> None:
    """Register: called by Alembic."""
    plugin.add_autogenerate_comparator(compare_column, "column", "onetrip")
    plugin.add_autogenerate_comparator(compare_table, "table", "onetrip")
    plugin.add_autogenerate_comparator(complete, "autogenerate", "onetrip", priority=DispatchPriority.LAST)


Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
