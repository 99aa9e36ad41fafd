"""Names and conditions inside JSON columns.

A name that leads into JSON becomes a field with `keys`. Where nobody has said what is there, a condition is asked of
every kind that it may be about: `size=3` of numbers and of texts, `size__gt=3` of numbers, `size__gt=b` of texts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from onetrip.errors import Invalid, Location
from onetrip.plan.ir import AllOf, AnyOf, Comparison, FirstOf, Hop, Predicate
from onetrip.plan.operators import LISTS, TEXTS, Operator
from onetrip.plan.resolve import unknown
from onetrip.query.ast import Path
from onetrip.schema.model import Field, ResourceSchema
from onetrip.schema.parsers import INDEX, Parser, json_number, plain_number

MAX_KEYS = 8
"""Names of one path inside JSON."""

Bind = Callable[[Parser], tuple[int, ...]]
"""Numbers the operands of a condition, as a parser reads them."""


def field_inside(resource: ResourceSchema, path: Path, loc: Location) -> Field | None:
    """Find what a path leads to inside a JSON column; `None` where it begins with none.

    Raises `Invalid` for a name that is not there, with the nearest one that is.
    """
    for end in range(len(path) - 1, 0, -1):
        column = resource.fields.get(".".join(path[:end]))
        if column is not None and column.type.inside is not None:
            return _follow(column, path[end:], resource, loc)
    return None


def _follow(column: Field, names: Path, resource: ResourceSchema, loc: Location) -> Field:
    if len(names) > MAX_KEYS:
        message = f"'{column.name}' is looked into by {len(names)} names; at most {MAX_KEYS} are followed."
        raise Invalid.at(loc, message, "too_deep")
    keys: list[str | int] = []
    way, type_ = column.name, column.type
    for name in names:
        found = None if type_.inside is None or not _is_name(name) else type_.inside.at(name)
        if found is None:
            known = () if type_.inside is None else tuple(f"{way}.{inner}" for inner in type_.inside.names)
            raise unknown(f"{way}.{name}", resource, known or tuple(resource.fields), loc, "field")
        key, type_ = found
        keys.append(key)
        way = f"{way}.{name}"
    type_ = replace(type_, native=column.type.native)
    return replace(column, name=way, type=type_, nullable=True, description=None, keys=tuple(keys))


def _is_name(name: str) -> bool:
    """Say whether a name means the same in every database: of numbers, those of items do."""
    number = name.strip(" \t\n\r\v\f").removeprefix("+").removeprefix("-")
    return bool(name) and (not number.isdigit() or INDEX.fullmatch(name) is not None)


def as_kind(field: Field, kind: str) -> Field:
    """Take what is there for a value of a kind: it is NULL if it is of another one."""
    return replace(field, type=replace(field.type, kind=kind), nullable=True, keys=field.keys or ())


def needs(column: Field, operator: Operator) -> bool:
    """Say whether a condition on a column is not just a comparison with its value."""
    return column.type.kind == "json" or (column.keys is not None and operator.takes == "flag")


def compared(
    column: Field, operator: Operator, bind: Bind, path: tuple[Hop, ...], items: Callable[[Any], Parser]
) -> Predicate:
    """Compare what is inside JSON, or a list, whose values are read by `items`."""

    def one(kind: str, name: str, numbers: tuple[int, ...]) -> Comparison:
        return Comparison(field=as_kind(column, kind), operator=name, parameters=numbers, path=path)

    def each(kind: str, name: str, parse: Parser) -> list[Predicate]:
        return [one(kind, name, (number,)) for number in bind(parse)]

    name = operator.name
    if operator.takes == "flag":
        return one("json", name, ())
    if not column.type.comparable:
        return _joined(each("list", name, items(column.type)), every=name == "contains")
    if name in ("eq", "ne", "in", "not_in"):
        return one("scalar", {"eq": "in", "ne": "not_in"}.get(name, name), bind(str) + bind(_plain))
    if name in LISTS or name in TEXTS:
        found = each("string", name, TEXTS[name].reads(column.type)) if name in TEXTS else []
        if name in LISTS:
            found += each("list", name, items(column.type))
        return found[0] if len(found) == 1 else FirstOf(tuple(found))
    signs = ("gte", "lte") if name == "between" else (name,)
    numbers, texts = bind(json_number), bind(_text)
    pairs = zip(signs, numbers, texts, strict=True)
    return _joined(
        (FirstOf((one("decimal", sign, (number,)), one("string", sign, (text,)))) for sign, number, text in pairs),
        every=True,
    )


def _joined(found: Iterable[Predicate], *, every: bool) -> Predicate:
    parts = tuple(found)
    if len(parts) == 1:
        return parts[0]
    return AllOf(parts) if every else AnyOf(parts)


def _plain(text: str) -> str:
    """Write a number as the database does that is compared with; else any text is found twice."""
    number = json_number(text)
    return text if number is None else plain_number(number)


def _text(text: str) -> str | None:
    return text if json_number(text) is None else None


def sorted_by(field: Field) -> Sequence[Field]:
    """Answer by what rows are sorted: where anything may be there, numbers come first, then the rest as text."""
    if field.keys is None:
        return [field]
    if field.type.kind == "json":
        return [as_kind(field, "decimal"), as_kind(field, "scalar")]
    return [as_kind(field, "decimal")] if field.type.kind in ("integer", "float") else [field]


def same(one: Any, other: Any) -> bool:
    """Say whether two fields are the same place in a row."""
    return (one.attribute, one.keys, one.type.kind) == (other.attribute, other.keys, other.type.kind)
