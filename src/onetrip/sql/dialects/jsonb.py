"""Conditions on JSON in PostgreSQL, binary or not: by `#>`, which takes a path as an array of texts.

https://www.postgresql.org/docs/current/functions-json.html
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql as pg

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.documents import Documents, Items, Keys, Number, Text
from onetrip.sql.template import Template

_TEXT = "{0} #>> {1}"
_NUMBER = f"({_TEXT})::numeric"
_ANY_NUMBER = f"CASE WHEN {_TEXT} !~ '[eE][-+]?[0-9]{{{{4}}}}' THEN {_NUMBER} END"
"""JSON that is not binary may have numbers of any size; PostgreSQL has not."""

_TYPES = ("string", "number", "boolean", "object", "array")
_CASES = {
    "text": f"WHEN 'string' THEN {_TEXT}",
    "number": f"WHEN 'number' THEN {_NUMBER}",
    "boolean": f"WHEN 'boolean' THEN ({_TEXT})::boolean",
    "list": "WHEN 'array' THEN ({0} #> {1})::jsonb",
    "scalar": f"""WHEN 'string' THEN {_TEXT} WHEN 'boolean' THEN {_TEXT}
        WHEN 'number' THEN chr(1) || trim_scale({_NUMBER})::text WHEN 'object' THEN chr(1) WHEN 'array' THEN chr(1)""",
    "there": " ".join(f"WHEN '{type_}' THEN ''" for type_ in _TYPES),
}
_FOUND = "EXISTS (SELECT 1 FROM jsonb_array_elements(w.v) AS o(v) WHERE {0} @> o.v)"
_WANTED = "jsonb_array_elements(CAST({1} AS jsonb)) AS w(v)"
_HOLDS = {
    "contains": f"NOT EXISTS (SELECT 1 FROM {_WANTED} WHERE NOT {_FOUND})",  # noqa: S608 - a constant
    "overlaps": f"EXISTS (SELECT 1 FROM {_WANTED} WHERE {_FOUND})",  # noqa: S608 - a constant
}


class JSONB(Documents):
    """PostgreSQL 14 and later."""

    def value(self, type_: FieldType, column: Any, keys: Keys) -> Any:
        """By cases of its type, so that no cast fails."""
        path = sa.bindparam(None, [str(key) for key in keys], type_=pg.ARRAY(sa.Text()))
        if type_.kind == "json":
            return Template(f"({_TEXT})", column, path)
        kind, result = _KINDS.get(type_.kind, ("text", Text()))
        cases = _CASES[kind]
        if not type_.native:
            cases = cases.replace(_NUMBER, _ANY_NUMBER)
        of = "jsonb_typeof" if type_.native else "json_typeof"
        template = f"(CASE {of}({{0}} #> {{1}}) {cases} END)"
        if isinstance(result, Text):
            template = f'({template} COLLATE "C")'  # as SQLite orders it
        return Template(template, column, path, type_=result)

    def holds(self, sign: str, values: Any, name: str) -> ColumnElement[bool]:
        """By containment of `jsonb`."""
        template = f"(CASE WHEN {{0}} IS NOT NULL THEN {_HOLDS[sign]} END)"
        return Template(template, values, sa.bindparam(name, type_=Items()), type_=sa.Boolean())


_KINDS: dict[str, tuple[str, Any]] = {
    "integer": ("number", Number()), "decimal": ("number", Number()), "float": ("number", Number()),
    "boolean": ("boolean", sa.Boolean()), "list": ("list", pg.JSONB()), "scalar": ("scalar", Text()),
    "there": ("there", Text()),
}  # fmt: skip
