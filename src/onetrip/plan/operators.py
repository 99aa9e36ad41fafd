"""Which operators the columns of a type have, and how their operands are read from text.

A column's type, a `schema.types.FieldType`, decides: there is no `icontains` of a number. What an operator is in SQL,
a dialect says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from onetrip.schema.parsers import Parser

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
_NULL = Operator("is_null", "flag", "has no value")

EXISTS = Operator("exists", "flag", "there is one")
"""The operator of relations."""

ALL_OPERATORS = tuple(operator.name for operator in (*_EQUALITY, *_ORDER, *_TEXT, _NULL, EXISTS))
"""Every name of an operator."""

_ORDERED: frozenset[str] = frozenset(
    {
        "integer", "wide_integer", "decimal", "wide_decimal", "float", "date", "datetime", "local_datetime", "time",
        "duration", "string", "uuid",
    }
)  # fmt: skip


def operators(type_: Any) -> Mapping[str, Operator]:
    """List the operators of a type by name."""
    found: tuple[Operator, ...] = ()
    if type_.comparable:
        found = _EQUALITY
        if type_.kind in _ORDERED:
            found += _ORDER
        if type_.kind == "string":
            found += _TEXT
    return {operator.name: operator for operator in (*found, _NULL)}


def flag(text: str) -> bool:
    """Read the operand of a flag. Raises `ValueError` with the rest of a sentence."""
    if text not in ("true", "false", "1", "0"):
        raise ValueError("must be 'true' or 'false'")
    return text in ("true", "1")


def known(names: Mapping[str, Any]) -> str:
    """Say which operators there are."""
    return f"There is: {', '.join(names)}."
