"""Conditions on JSON in SQLite: by `json_extract`, for texts that are JSON.

https://www.sqlite.org/json1.html. Its paths cannot say every name, and not that one of digits may be the number of an
item as well; for those there is a function.
"""

import re
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy import ColumnElement

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.documents import Documents, Items, Keys, Number, Text
from onetrip.sql.template import Template

_SAYABLE = re.compile(r"(?![0-9]+$)[ !#-\[\]-~]+")
"""A name that is no number, of ASCII, without quotes and backslashes."""

_TYPES = ("text", "integer", "real", "true", "false", "object", "array")
_CASES = {
    "text": "WHEN 'text' THEN json_extract({0}, {1})",
    "number": "WHEN 'integer' THEN json_extract({0}, {1}) WHEN 'real' THEN json_extract({0}, {1})",
    "boolean": "WHEN 'true' THEN 1 WHEN 'false' THEN 0",
    "list": "WHEN 'array' THEN json_extract({0}, {1})",
    "scalar": """WHEN 'text' THEN json_extract({0}, {1}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
        WHEN 'null' THEN NULL WHEN 'integer' THEN onetrip_plain(json_extract({0}, {1}))
        WHEN 'real' THEN onetrip_plain(json_extract({0}, {1})) WHEN 'object' THEN char(1) WHEN 'array' THEN char(1)""",
    "there": " ".join(f"WHEN '{type_}' THEN ''" for type_ in _TYPES),
}
_FOUND = """EXISTS (SELECT 1 FROM json_each(w.value) AS o, json_each({0}) AS e WHERE e.value = o.value AND
    CASE WHEN o.type IN ('integer', 'real') THEN e.type IN ('integer', 'real') ELSE e.type = o.type END)"""
_HOLDS = {
    "contains": f"NOT EXISTS (SELECT 1 FROM json_each({{1}}) AS w WHERE NOT {_FOUND})",  # noqa: S608 - a constant
    "overlaps": f"EXISTS (SELECT 1 FROM json_each({{1}}) AS w WHERE {_FOUND})",  # noqa: S608 - a constant
}


class JSON1(Documents):
    """SQLite 3.38 and later."""

    def value(self, type_: FieldType, column: Any, keys: Keys) -> Any:
        """By cases of its type; of a text that is not JSON there is none."""
        document, path = column, "$" + "".join(map(_step, keys))
        if not all(isinstance(key, int) or _SAYABLE.fullmatch(key) for key in keys):
            names = sa.bindparam(None, to_json(keys).decode(), type_=sa.Text())
            document, path = Template("onetrip_at({0}, {1})", column, names), "$"
        where = sa.bindparam(None, path, type_=sa.Text())
        if type_.kind == "json":
            return Template("(CASE WHEN json_valid({0}) THEN json_extract({0}, {1}) END)", document, where)
        kind, result = _KINDS.get(type_.kind, ("text", Text()))
        template = f"(CASE WHEN json_valid({{0}}) THEN CASE json_type({{0}}, {{1}}) {_CASES[kind]} END END)"
        return Template(template, document, where, type_=result)

    def holds(self, sign: str, values: Any, name: str) -> ColumnElement[bool]:
        """Item by item."""
        template = f"(CASE WHEN {{0}} IS NOT NULL THEN {_HOLDS[sign]} END)"
        return Template(template, values, sa.bindparam(name, type_=Items()), type_=sa.Boolean())


def _step(key: str | int) -> str:
    return f"[{key}]" if isinstance(key, int) else f'."{key}"'


_KINDS: dict[str, tuple[str, Any]] = {
    "integer": ("number", Number()), "decimal": ("number", Number()), "float": ("number", Number()),
    "boolean": ("boolean", sa.Boolean()), "list": ("list", sa.Text()), "scalar": ("scalar", Text()),
    "there": ("there", Text()),
}  # fmt: skip
