"""Columns and relations → the parameters of filters that OpenAPI shows: one for each operator that a column has.

Through relations and into JSON one level is spelled out, where that is not too much; deeper paths are taken all the
same, and the descriptions of `or` and its kin say how they are written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from onetrip.plan.operators import LISTS, MAX_WILDCARDS, Operator, operators
from onetrip.query.parser import filter_name
from onetrip.schema.model import Field, ResourceSchema, Schema
from onetrip.settings import Limits

MAX_FILTERS = 300
"""Filters of one operation: beyond that, own columns alone are spelled out."""

MAX_IN_ALL = 4_000
"""Filters of one operation of each resource, together: a document of many tables has room for fewer each."""

_TEXT = r"^[^\u0000]*$"
_ITEM = r'^[^\u0000,"]*$'
_LIKE = rf"^([^%\u0000]*%){{0,{MAX_WILDCARDS}}}[^%\u0000]*$"
_HOW = {
    "or": "One of these holds, `or=(views__gt=100,author.name=Ada)`; `and` and `not` may stand inside",
    "and": "All of these hold; `comments=(approved=true,author_id=7)` asks for one row that meets both",
    "not": "This does not hold. NULL is neither equal nor different",
}


def describe_filters(target: ResourceSchema, schema: Schema, limits: Limits) -> list[dict[str, Any]]:
    """Describe what rows of a resource are filtered by."""
    room = min(MAX_FILTERS, MAX_IN_ALL // max(1, len(schema.resources)))
    columns = [each for column in target.fields.values() for each in (column, *_members(column))]
    own = [*_of(columns, limits), *(_exists(name) for name in target.relations)]
    if len(own) > room:
        own = [_one(column, there["eq"], limits) for column in columns if "eq" in (there := operators(column.type))]
    further: list[dict[str, Any]] = []
    for name, relation in target.relations.items():
        end = schema.resources[relation.target].fields.values()
        further += _of([replace(column, name=f"{name}.{column.name}") for column in end], limits)
        if len(own) + len(further) > room:
            further = []
            break
    asked = next((f"({column.name}__is_null=false)" for column in columns), None)
    return [*own, *further, *(_tree(name, asked) for name in _HOW if asked)]


def columns_to_sort(target: ResourceSchema, schema: Schema, most: int) -> list[str]:
    """Name what rows can be sorted by: own columns, and those of rows to which they lead, if they are not too many."""
    own = [each.name for column in target.fields.values() for each in (column, *_members(column)) if _sorts(each)]
    ends = {name: schema.resources[to.target] for name, to in target.relations.items() if not to.many}
    further = [
        f"{name}.{column.name}" for name, end in ends.items() for column in end.fields.values() if _sorts(column)
    ]
    return own if len(own) + len(further) > most else own + further


def _sorts(column: Field) -> bool:
    return bool(column.type.comparable)


def _members(column: Field) -> Iterator[Field]:
    """List what a JSON column is known to hold."""
    inside = column.type.inside
    for name in inside.names if inside is not None else ():
        key, type_ = inside.at(name)
        yield replace(column, name=f"{column.name}.{name}", type=type_, description=None, keys=(key,))


def _of(columns: list[Field], limits: Limits) -> list[dict[str, Any]]:
    return [_one(column, operator, limits) for column in columns for operator in operators(column.type).values()]


def _one(column: Field, operator: Operator, limits: Limits) -> dict[str, Any]:
    """Describe a column with an operator."""
    name = filter_name(column.name) if operator.name == "eq" else f"{column.name}__{operator.name}"
    says = (operator.name == "eq" and column.description) or f"`{column.name}` {operator.says}"
    schema = _schema(column, operator, limits)
    found = {"name": name, "in": "query", "required": False, "schema": schema, "description": says}
    return {**found, "style": "form", "explode": False} if schema.get("type") == "array" else found


def _schema(column: Field, operator: Operator, limits: Limits) -> Mapping[str, Any]:
    """Say which texts an operator takes."""
    if operator.takes == "flag":
        return {"type": "boolean"}
    if operator.name in LISTS and column.type.item is not None and column.type.kind != "scalar":
        return _array(column.type.item.written, 1, limits.values, limits)
    if operator.takes in ("values", "two"):
        least, most = (2, 2) if operator.takes == "two" else (1, limits.values)
        return _array(column.type.written, least, most, limits)
    if operator.name in ("like", "ilike"):
        return bounded({"type": "string", "pattern": _LIKE}, limits)
    if "contains" in operator.name or operator.name.endswith("with"):
        return bounded({"type": "string", "pattern": _TEXT}, limits)
    written = column.type.written
    known = "type" in written or "enum" in written
    return bounded(written if known else {"type": "string", "pattern": _TEXT}, limits)


def bounded(schema: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Say how long a text may be, where it is any text."""
    if schema.get("type") != "string" or "enum" in schema or "format" in schema:
        return schema
    return {**schema, "maxLength": min(schema.get("maxLength", limits.value_length), limits.value_length)}


def _array(item: dict[str, Any], least: int, most: int, limits: Limits) -> dict[str, Any]:
    """Describe a list of values; one with a comma or a quote in it is quoted, which a schema cannot say."""
    if "enum" in item:
        plain = [value for value in item["enum"] if not isinstance(value, str) or not {",", '"'} & set(value)]
        item = {**item, "enum": plain or item["enum"]}
    elif item.get("type", "string") == "string" and "format" not in item and item.get("pattern", _TEXT) == _TEXT:
        item = {"type": "string", "pattern": _ITEM}
    return {"type": "array", "items": bounded(item, limits), "minItems": least, "maxItems": most}


def _exists(relation: str) -> dict[str, Any]:
    says = f"There is one of `{relation}`"
    schema = {"type": "boolean"}
    return {"name": f"{relation}__exists", "in": "query", "required": False, "schema": schema, "description": says}


def _tree(name: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": r"^\([^\u0000]+\)$", "examples": [example]}
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": _HOW[name]}
