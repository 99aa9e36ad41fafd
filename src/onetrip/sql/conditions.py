"""Predicates and order → SQL expressions."""

from collections.abc import Sequence
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased

from onetrip.plan.ir import AllOf, AnyOf, Comparison, Exists, Negation, OrderKey, Predicate
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import placeholder


def parameter(number: int, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    """Make the placeholder of a plan's parameter that is not compared with a column."""
    return sa.bindparam(placeholder(number), type_=type_)


def condition(predicate: Predicate, entity: Any, dialect: Dialect) -> ColumnElement[bool]:
    """Compile a predicate over an (aliased) entity."""
    match predicate:
        case Comparison(field=field, parameters=(number,)):
            column = getattr(entity, field.attribute)
            value = dialect.parameter(placeholder(number), column.type)
            return dialect.equal(field.type, column, value)
        case Comparison():
            raise NotImplementedError(predicate.operator)
        case AllOf(of):
            return sa.and_(sa.true(), *(condition(part, entity, dialect) for part in of))
        case AnyOf(of):
            return sa.or_(sa.false(), *(condition(part, entity, dialect) for part in of))
        case Negation(of):
            return sa.not_(condition(of, entity, dialect))
        case Exists(relation, target, of):
            row = aliased(target)
            one: sa.Select[Any] = sa.select(sa.literal_column("1"))
            found = one.select_from(row).where(joined(entity, relation.attribute, row))
            if of is not None:
                found = found.where(condition(of, row, dialect))
            return found.correlate(entity).exists()
        case _:
            assert_never(predicate)


def joined(entity: Any, attribute: str, target: Any) -> Any:
    """Say that a row of `target` is at the end of a relation of `entity`; a link table is joined under a new name."""
    return getattr(entity, attribute).of_type(target).__clause_element__()


def ordering(keys: Sequence[OrderKey], entity: Any, dialect: Dialect) -> list[Any]:
    """Compile an order."""
    return [
        dialect.order(
            dialect.sortable(key.field.type, getattr(entity, key.field.attribute)), descending=key.descending,
            nulls_first=key.nulls_first, nullable=key.field.nullable,
        )
        for key in keys
    ]  # fmt: skip
