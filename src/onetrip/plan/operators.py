"""Which operators the columns of a type have, and how their operands are read from text.

A column's type, a `schema.types.FieldType`, decides: there is no `icontains` of a number. What an operator is in SQL,
a dialect says.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from onetrip.query.split import split_values
from onetrip.schema.parsers import Parser, json_number

Takes = Literal["value", "values", "two", "flag"]
"""What an operator is given: one value, any number of them, two, or `true` or `false`."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: what it takes, and what it says of a column, for those who read OpenAPI."""

    name: str
    takes: Takes
    says: str
    reads: Callable[[Any], Parser] = lambda type_: type_.parse


MAX_WILDCARDS = 10
"""`%` in one pattern: each makes a database try more, and many of them very long."""


def _text(type_: Any) -> Parser:
    return str


def _pattern(type_: Any) -> Parser:
    def parse(text: str) -> str:
        if text.count("%") > MAX_WILDCARDS:
            raise ValueError(f"has more than {MAX_WILDCARDS} '%'")
        return text

    return parse


def items(type_: Any) -> Parser:
    """Read the items of a list from one text."""
    return items_within(sys.maxsize, type_)


def items_within(most: int, type_: Any) -> Parser:
    """Read at most so many items of a list from one text."""
    one = item(type_)

    def parse(text: str) -> list[Any]:
        values = split_values(text)
        if len(values) > most:
            raise ValueError(f"has {len(values)} values; at most {most} are taken")
        return [read for value in values for read in one(value)]

    return parse


def item(type_: Any) -> Parser:
    """Read one item, as a list; in JSON, it is itself a list of what it may be: a text, a number, a boolean."""
    if type_.item.kind == "scalar":
        return lambda text: [_meanings(text)]
    if type_.kind == "array":
        return lambda text: [type_.item.parse(text)]
    return lambda text: [[type_.item.parse(text)]]


def _meanings(text: str) -> list[Any]:
    number = json_number(text)
    flags = {"true": [True], "false": [False]}.get(text, [])
    return [text, *flags] if number is None else [text, number]


_EQUALITY = (
    Operator("eq", "value", "is this"),
    Operator("ne", "value", "is another value"),
    Operator("in", "values", "is one of these"),
    Operator("not_in", "values", "is none of these"),
)
_ORDER = (
    Operator("gt", "value", "is greater"),
    Operator("gte", "value", "is greater or equal"),
    Operator("lt", "value", "is less"),
    Operator("lte", "value", "is less or equal"),
    Operator("between", "two", "is between these two, or one of them"),
)
_TEXT = (
    Operator("contains", "value", "contains this", _text),
    Operator("icontains", "value", "contains this, in upper or lower case", _text),
    Operator("startswith", "value", "starts with this", _text),
    Operator("istartswith", "value", "starts with this, in upper or lower case", _text),
    Operator("endswith", "value", "ends with this", _text),
    Operator("iendswith", "value", "ends with this, in upper or lower case", _text),
    Operator("like", "value", "matches this, where `%` is any text and `_` any character", _pattern),
    Operator("ilike", "value", "matches this, in upper or lower case", _pattern),
)
_LISTS = (
    Operator("contains", "value", "holds all of these", items),
    Operator("overlaps", "value", "holds one of these at least", items),
)
_NULL = Operator("is_null", "flag", "has no value")
TEXTS, LISTS = ({operator.name: operator for operator in group} for group in (_TEXT, _LISTS))
"""The operators of text, and those of lists, whose values stand in one text."""

EXISTS = Operator("exists", "flag", "there is one")
"""The operator of relations."""

ALL_OPERATORS = tuple(operator.name for operator in (*_EQUALITY, *_ORDER, *_TEXT, _LISTS[1], _NULL, EXISTS))
"""Every name of an operator."""

_ORDERED: frozenset[str] = frozenset(
    {
        "integer", "wide_integer", "decimal", "wide_decimal", "float", "date", "datetime", "local_datetime", "time",
        "duration", "string", "uuid", "plain", "json",
    }
)  # fmt: skip


def operators(type_: Any) -> Mapping[str, Operator]:
    """List the operators of a type by name."""
    found: tuple[Operator, ...] = ()
    if type_.comparable:
        found = _EQUALITY
        if type_.kind in _ORDERED:
            found += _ORDER
        if type_.kind in ("string", "json"):
            found += _TEXT
    if type_.kind in ("array", "json") and _is_list(type_):
        found += _LISTS[len(found) and 1 :]
    return {operator.name: operator for operator in (*found, _NULL)}


def _is_list(type_: Any) -> bool:
    """Say whether there are items that can be compared; arrays of arrays hold no items by themselves."""
    own = type_.item is not None and type_.item.comparable and not (type_.kind == "array" and type_.decorated)
    return own and (type_.dimensions or 1) == 1


def flag(text: str) -> bool:
    """Read the operand of a flag. Raises `ValueError` with the rest of a sentence."""
    if text not in ("true", "false", "1", "0"):
        raise ValueError("must be 'true' or 'false'")
    return text in ("true", "1")


def known(names: Mapping[str, Any]) -> str:
    """Say which operators there are."""
    return f"There is: {', '.join(names)}."
