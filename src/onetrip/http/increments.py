"""Amounts in the body of a change: `{"views": {"$inc": 1}}` adds to what is there, in the statement itself."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from onetrip.errors import Invalid
from onetrip.schema.increments import INCREMENT
from onetrip.schema.model import Body, Field, ResourceSchema

Amounts = dict[Field, Any]
"""What is added to columns."""

NO_AMOUNTS: Mapping[Field, Any] = MappingProxyType({})
"""Nothing."""


def amounts_of(resource: ResourceSchema, body: Body, document: Any, raw: bytes) -> tuple[Amounts, bytes]:
    """Take the amounts out of a body, and answer the rest of it, which its model reads. Raises `Invalid`."""
    found: Amounts = {}
    if not resource.writes.increments or not isinstance(document, dict):
        return found, raw
    names = _names(body)
    for increment in resource.writes.increments:
        name = names.get(increment.field.attribute, "")
        given = document.get(name)
        if not isinstance(given, dict) or INCREMENT not in given:
            continue
        if len(given) > 1:
            message = f"'{name}' is '{INCREMENT}' and nothing else, or a number."
            raise Invalid.at(("body", name), message, "unknown_field")
        try:
            found[increment.field] = increment.parse(given[INCREMENT])
        except ValueError as error:
            reason = _sentence(error)
            raise Invalid.at(("body", name, INCREMENT), f"'{INCREMENT}' of '{name}' {reason}.", "value_error") from None
    if not found:
        return found, raw
    taken = {names[column.attribute] for column in found}
    return found, json.dumps({name: value for name, value in document.items() if name not in taken}).encode()


def _names(body: Body) -> dict[str, str]:
    """Find the names that clients write, by attribute."""
    infos = body.model.model_fields
    return {column.attribute: infos[name].alias or name for name, column in body.columns.items() if name in infos}


def _sentence(error: ValueError) -> str:
    text = error.message() if hasattr(error, "message") else str(error)
    return str(text).removeprefix("Input ").replace("should be", "must be").replace("should have", "must have")
