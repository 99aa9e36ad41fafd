"""`ReadPlan` → `Statement`: one SELECT whose single value is the answer's JSON.

Never fails on user input: a plan that exists compiles. Knows no URL, no caller, no connection. The ORM's constructs are
used for what they know (columns of mixins and other names, relationships of any kind, inheritance); nothing of the ORM
is left when the statement runs.
"""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select

from onetrip.plan.ir import Anchor, ReadPlan
from onetrip.schema.model import Field
from onetrip.sql.conditions import condition, rows_of
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.finish import finisher
from onetrip.sql.history import history
from onetrip.sql.keyset import shown_position
from onetrip.sql.listing import estimated, listed
from onetrip.sql.shape import Parent, objects
from onetrip.sql.statement import VERSION, Argument, Convert, Later, Statement, parameter_number


def compile_read(plan: ReadPlan, dialect: Dialect) -> Statement:
    """Compile a read."""
    finish = finisher(plan.selection.shape, dialect.sqlalchemy) if plan.python else None
    statement = compiled(_select(plan, dialect), dialect, finish)
    walks = plan.paging is not None and plan.paging.walks
    return replace(statement, position=shown_position(plan.selection, dialect)) if walks else statement


def compile_estimate(plan: ReadPlan, dialect: Dialect) -> Statement | None:
    """Compile the question how many rows a list has in all, where only the database's planner can guess it."""
    if plan.paging is None or plan.paging.total != "estimated" or plan.trail is not None:
        return None
    parent, where = None, []
    if plan.anchor is not None:
        row, _ = rows_of(plan.anchor.entity)
        parent = Parent(row, plan.anchor.relation)
        where = [condition(part, row, dialect) for part in plan.anchor.where]
    rows = estimated(plan.selection, dialect, parent, where)
    if rows is None:
        return None
    question = compiled(rows, dialect)
    return replace(question, text=dialect.pages.explained(question.text))


def _select(plan: ReadPlan, dialect: Dialect) -> Select[Any]:
    if plan.anchor is not None:
        return _related(plan, plan.anchor, dialect)
    if plan.paging is not None:
        if plan.trail is not None:
            return history(plan.selection, plan.trail, plan.paging, dialect)
        return listed(plan.selection, plan.paging, dialect)
    rows = objects(plan.selection, dialect)
    if plan.version is not None:
        texts = [_version(plan, plan.version, dialect).scalar_subquery(), rows.scalar_subquery()]
        return sa.select(dialect.joined(texts).label("body"))
    return dialect.record(rows)


def _version(plan: ReadPlan, version: Field, dialect: Dialect) -> Select[Any]:
    """Write the version of the row that is read, as a write does: `statement.VERSION`."""
    entity, rows = rows_of(plan.selection.shape.view.entity)
    written = dialect.inline([(VERSION, dialect.write(version.type, getattr(entity, version.attribute)))])
    rows = rows.where(*(condition(predicate, entity, dialect) for predicate in plan.selection.where))
    return rows.with_only_columns(written.label("json"))


def _related(plan: ReadPlan, anchor: Anchor, dialect: Dialect) -> Select[Any]:
    """Select from the anchor, so that no row means that it does not exist."""
    entity, anchors = rows_of(anchor.entity)
    parent = Parent(entity, anchor.relation)
    if plan.paging is not None:
        found = listed(plan.selection, plan.paging, dialect, parent)
    else:
        found = dialect.record(objects(plan.selection, dialect, parent))
    answer = anchors.add_columns(found.scalar_subquery().label("body"))
    return answer.where(*(condition(part, entity, dialect) for part in anchor.where))


def compiled(select: Any, dialect: Dialect, finish: Any = None) -> Statement:
    """Render a SELECT for the driver, and find out how its placeholders are filled.

    Constants come from the user's own classes (a `column_property`, the condition of a relationship); lists among them
    are expanded here, and all are converted once, as their types say. What comes `Later` is a parameter, too.
    """
    rendered = select.compile(dialect=dialect.sqlalchemy)
    ours = dict.fromkeys(name for name in rendered.binds if parameter_number(name) is not None)
    expanded = rendered.construct_expanded_state(ours, escape_names=False)
    arguments: list[Argument] = []
    for name in expanded.positiontup or ():
        number = parameter_number(name)
        bind = rendered.binds.get(name)
        convert = expanded.processors.get(name) if bind is None else _bind_processor(bind.type, dialect)
        constant = expanded.parameters[name]
        if isinstance(constant, Later):
            number = constant.number
        if number is not None:
            arguments.append(Argument(number, convert))
        else:
            arguments.append(Argument(None, constant=constant if convert is None else convert(constant)))
    return Statement(expanded.statement, tuple(arguments), finish)


def _bind_processor(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return type_.dialect_impl(dialect.sqlalchemy).bind_processor(dialect.sqlalchemy)
