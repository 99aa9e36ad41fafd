"""Endpoint → what OpenAPI shows of `:aggregate`: the filters of the list, parameters of groups, and what a group is."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from onetrip.http import parameters
from onetrip.plan.functions import BUCKETS, functions
from onetrip.plan.read import Endpoint
from onetrip.query.aggregate import HAVING, OF_ROWS, STRUCTURAL
from onetrip.schema.model import Field, ResourceSchema, Schema
from onetrip.settings import Limits

_SAYS = {
    "count": "Count rows (`*`), or values of columns",
    "sum": "Columns to sum up",
    "avg": "Columns to take the average of",
    "min": "Columns to take the least value of",
    "max": "Columns to take the greatest value of",
}
_UNLIKE_LISTS = frozenset({"sort", "count", *OF_ROWS})
_NUMBER = {"type": ["integer", "number", "string", "null"]}

GROUP: dict[str, Any] = {
    "type": "object",
    "properties": {"count": {"type": "integer"}},
    "patternProperties": {
        r"^count\.": {"type": "integer"},
        r"^sum\.": _NUMBER | {"description": "A decimal is a string"},
        r"^avg\.": _NUMBER | {"description": "A decimal is a string"},
    },
    "description": "What the rows have in common, and aggregates of them, under the names that were asked for",
}


def describe(endpoint: Endpoint, schema: Schema, limits: Limits) -> list[dict[str, Any]]:
    """Describe every parameter."""
    target = endpoint.target
    found = [
        parameter | {"name": f"{parameter['name']}__eq"} if parameter["name"] in {*STRUCTURAL, HAVING} else parameter
        for parameter in parameters.describe(endpoint, schema, limits)
        if parameter["in"] != "query" or parameter["name"] not in _UNLIKE_LISTS
    ]
    keys = [_key(name, column) for name, column in _columns(target, schema, _is_groupable)]
    found.append(_names("group", keys, "What the rows of a group have in common", limits))
    results: dict[str, str] = {}
    for function, says in _SAYS.items():
        names = [parameters._escaped(name) for name, _ in _columns(target, schema, partial(_has, function))]
        if names:
            results[function] = rf"{function}\.({'|'.join(names)})"
            found.append(_names(function, [*names, r"\*"] if function == "count" else names, says, limits))
    placed = f"-?({'|'.join(['count', *results.values(), *keys])})(:nullsfirst|:nullslast)?"
    found.append(_list("sort", placed, "Names of the answer to sort by, `-` for descending", limits))
    return [*found, _having(results)]


def answer(endpoint: Endpoint, *, envelope: bool) -> dict[str, Any]:
    """Describe the body of an answer."""
    groups = {"type": "array", "items": GROUP}
    if not envelope:
        return groups
    url = {"type": ["string", "null"]}
    properties = {"items": groups, "next": url, "prev": url, "total": {"type": "null"}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _columns(
    target: ResourceSchema, schema: Schema, wanted: Callable[[ResourceSchema, Field], bool]
) -> Iterator[tuple[str, Field]]:
    """List the columns of a row, and of the rows to which it leads; longer paths are taken, too."""
    yield from ((column.name, column) for column in target.fields.values() if wanted(target, column))
    for relation in target.relations.values():
        if not relation.many:
            end = schema.resources[relation.target]
            below = (column for column in end.fields.values() if wanted(end, column))
            yield from ((f"{relation.name}.{column.name}", column) for column in below)


def _is_groupable(resource: ResourceSchema, column: Field) -> bool:
    return column.type.comparable and column.name not in resource.view.rewritten


def _has(function: str, resource: ResourceSchema, column: Field) -> bool:
    return function in (("count",) if column.name in resource.view.rewritten else functions(column.type))


def _key(name: str, column: Field) -> str:
    buckets = BUCKETS.get(column.type.kind)
    return parameters._escaped(name) + (f"(:({'|'.join(buckets)}))?" if buckets else "")


def _names(name: str, patterns: list[str], description: str, limits: Limits) -> dict[str, Any]:
    return _list(name, f"({'|'.join(patterns)})", description, limits)


def _list(name: str, pattern: str, description: str, limits: Limits) -> dict[str, Any]:
    found = parameters._list(name, pattern, description)
    return found | {"schema": found["schema"] | {"maxItems": limits.aggregates}}


def _having(results: Mapping[str, str]) -> dict[str, Any]:
    """Describe conditions on numbers; others, and trees of them, are taken, too."""
    names = "|".join(["count", *(name for function, name in results.items() if function in ("count", "sum", "avg"))])
    one = rf"({names})__(eq|ne|gt|gte|lt|lte)=-?[0-9]{{1,9}}"
    schema = {"type": "string", "pattern": rf"^\({one}(,{one})*\)$", "examples": ["(count__gte=2)"]}
    return parameters._query(HAVING, schema, "Conditions on groups, by the names of the answer: a tree as that of `or`")
