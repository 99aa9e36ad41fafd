"""Conditions that an application writes in Python: what their structure is, what their values are, and where these go.

The structure decides which statement runs, and is told apart by SQLAlchemy's own key of compiled statements
(https://docs.sqlalchemy.org/en/21/core/connections.html#sql-compilation-caching). The values are parameters.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql import visitors

from onetrip.errors import ConfigurationError
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import Later

MAX_ROUNDED = 512
"""Values of a list whose number is rounded up to a power of two, so that there are few shapes; then to multiples."""


@dataclass(frozen=True, slots=True)
class Written:
    """A condition, its parameters in their order, and the key of its structure; `None` for one that has no key."""

    expression: sa.ColumnElement[bool]
    parameters: Sequence[sa.BindParameter[Any]]
    structure: Hashable | None


def checked(entity: type[Any], conditions: Sequence[Any]) -> None:
    """Refuse what is no condition. Raises `ConfigurationError`."""
    for condition in conditions:
        if isinstance(condition, sa.ColumnElement):
            continue
        try:
            if not isinstance(condition, bool):
                sa.and_(sa.true(), condition)
                continue
            what = f"{condition}"
        except ArgumentError:
            what = f"a {type(condition).__name__}"
        raise ConfigurationError(
            f"{_where(entity)} was given {what}, which is no condition: compare columns of the class, as in"
            f" {entity.__name__}.id == 7."
        )


def written(conditions: Sequence[Any]) -> Written:
    """Take the structure and the parameters of conditions, all of which hold."""
    (first, *others) = conditions
    expression = first if not others and isinstance(first, sa.ColumnElement) else sa.and_(*conditions)
    key = expression._generate_cache_key()
    if key is not None:
        return Written(expression, key.bindparams, key.key)
    found = (part for part in visitors.iterate(expression) if isinstance(part, sa.BindParameter))
    return Written(expression, tuple({parameter.key: parameter for parameter in found}.values()), None)


def values_of(condition: Written) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """Read the values of a condition, those of lists one by one, and how many these are.

    A list is filled up with its last value. Raises `ConfigurationError` for a parameter that has no value.
    """
    values: list[Any] = []
    lengths: list[int] = []
    for parameter in condition.parameters:
        value = parameter.effective_value
        if parameter.expanding:
            items = _filled(list(value or ()))
            lengths.append(len(items))
            values += [part for item in items for part in item] if _holds_tuples(parameter, items) else items
        elif parameter.required and value is None:
            raise ConfigurationError(f"A condition has the parameter '{parameter.key}', which has no value.")
        else:
            values.append(value)
    return tuple(values), tuple(lengths)


def numbered(condition: Written, first: int) -> sa.ColumnElement[bool]:
    """Copy a condition, in which each value is the parameter of the plan from which it comes: none of it is kept."""
    later: dict[str, Any] = {}
    for parameter in condition.parameters:
        if not parameter.expanding:
            later[parameter.key], first = Later(first), first + 1
            continue
        items = _filled(list(parameter.effective_value or ()))
        widths = [len(item) for item in items] if _holds_tuples(parameter, items) else [0] * len(items)
        placed: list[Any] = []
        for width in widths:
            row = tuple(Later(first + number) for number in range(width or 1))
            placed.append(row if width else row[0])
            first += len(row)
        later[parameter.key] = placed

    def place(parameter: sa.BindParameter[Any]) -> None:
        parameter.value, parameter.callable = later[parameter.key], None
        parameter.required = parameter.literal_execute = False
        parameter._convert_to_unique()  # type: ignore[no-untyped-call]  # one called `p0` is none of the plan's

    # As `ClauseElement.params` does it, which leaves values alone that are only read when a statement runs.
    options = {"maintain_key": True, "detect_subquery_cols": True}
    return visitors.cloned_traverse(condition.expression, options, {"bindparam": place})


def text_of(condition: Written, entity: type[Any], dialect: Dialect) -> str:
    """Write a condition as SQL without its values, the same in every process.

    Raises `ConfigurationError` for one that is about rows of other tables as well: they would be multiplied.
    """
    rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(entity)
    chosen = rows.where(condition.expression)
    own = rows.get_final_froms()
    if others := [found for found in chosen.get_final_froms() if found not in own]:
        raise ConfigurationError(
            f"{_where(entity)} was given a condition on {_name(others[0])}, which is not joined: ask for rows of it by"
            f" a relation, as in {entity.__name__}.author.has(…) or .any(…), or by a subquery."
        )
    return str(chosen.compile(dialect=dialect.sqlalchemy))


def _where(entity: type[Any]) -> str:
    return f"api.query({entity.__name__}).where(…)"


def _name(rows: Any) -> str:
    return f"'{rows.name}'" if getattr(rows, "name", None) else "other rows"


def _filled(items: list[Any]) -> list[Any]:
    count = len(items)
    wanted = 1 << (count - 1).bit_length() if count <= MAX_ROUNDED else -(-count // MAX_ROUNDED) * MAX_ROUNDED
    return items + items[-1:] * (wanted - count)


def _holds_tuples(parameter: sa.BindParameter[Any], items: Sequence[Any]) -> bool:
    """Say whether each value is several; as SQLAlchemy does, where a type does not say so."""
    if parameter.type._is_tuple_type or not items:
        return True
    return bool(parameter.type._isnull) and isinstance(items[0], Sequence) and not isinstance(items[0], str | bytes)
