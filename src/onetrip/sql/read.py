"""`ReadPlan` → `Statement`: one SELECT whose single value is the answer's JSON.

Never fails on user input: a plan that exists compiles. Knows no URL, no caller, no connection. The ORM's constructs are
used for what they know (columns of mixins and other names, relationships of any kind, inheritance); nothing of the ORM
is left when the statement runs.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.orm import aliased

from onetrip.plan.ir import Anchor, ReadPlan
from onetrip.sql.conditions import condition
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.finish import finisher
from onetrip.sql.shape import Parent, objects
from onetrip.sql.statement import Argument, Statement


def compile_read(plan: ReadPlan, dialect: Dialect) -> Statement:
    """Compile a read."""
    finish = finisher(plan.selection.shape, dialect.sqlalchemy) if plan.python else None
    return compiled(_select(plan, dialect), dialect, finish)


def _select(plan: ReadPlan, dialect: Dialect) -> Select[Any]:
    if plan.anchor is not None:
        return _related(plan, plan.anchor, dialect)
    rows = objects(plan.selection, dialect)
    return dialect.records(rows) if plan.many else dialect.record(rows)


def _related(plan: ReadPlan, anchor: Anchor, dialect: Dialect) -> Select[Any]:
    """Select from the anchor, so that no row means that it does not exist."""
    entity = aliased(anchor.entity)
    rows = objects(plan.selection, dialect, Parent(entity, anchor.relation))
    found = dialect.records(rows) if plan.many else dialect.record(rows)
    answer = sa.select(found.scalar_subquery().label("body")).select_from(entity)
    return answer.where(*(condition(part, entity, dialect) for part in anchor.where))


def compiled(select: Select[Any], dialect: Dialect, finish: Any = None) -> Statement:
    """Render a SELECT for the driver, and find out how its placeholders are filled."""
    rendered = select.compile(dialect=dialect.sqlalchemy)
    arguments: list[Argument] = []
    for name in rendered.positiontup or ():
        bind = rendered.binds[name]
        if name[:1] == "p" and name[1:].isdigit():
            convert = bind.type.dialect_impl(dialect.sqlalchemy).bind_processor(dialect.sqlalchemy)
            arguments.append(Argument(int(name[1:]), convert))
        else:
            arguments.append(Argument(None, constant=bind.effective_value))
    return Statement(str(rendered), tuple(arguments), finish)
