"""A row of a file → what its columns become, checked by the body of a POST.

Beside that body a row may have what the resource shows and nobody sends: keys that the database numbers, moments that
Python fills. Those are stored as they are, so that an export can be loaded. What is shown and not stored is left out.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json

from onetrip.errors import ConfigurationError, ErrorItem, Invalid, Problem, nearest
from onetrip.http.body import load_json
from onetrip.http.csv import armed
from onetrip.http.values import validated, values_of
from onetrip.schema.model import Body, Field, ResourceSchema


class Checker:
    """Checks the rows of one resource. Raises `ConfigurationError` for one of which no rows are made."""

    def __init__(self, resource: ResourceSchema) -> None:
        body = resource.writes.create
        if body is None:
            reason = resource.writes.refused or "the API is read-only"
            raise ConfigurationError(f"No rows of '{resource.name}' can be made: {reason}.")
        self.body: Body = body
        infos = body.model.model_fields.items()
        self.sent = {_key(info, name): body.columns.get(name) for name, info in infos}
        stored = _stored(resource.entity)
        told = {field.attribute for field in self.sent.values() if field is not None}
        self.kept = {
            field.name: field
            for field in resource.view.fields
            if field.attribute in stored - told and field.name not in self.sent
        }
        shown = {item.name for item in resource.view.items}
        self.passed = shown - self.sent.keys() - self.kept.keys()

    def columns(self) -> dict[str, Field]:
        """List what can be stored, by the name in a file."""
        return {name: field for name, field in self.sent.items() if field is not None} | self.kept

    def check_names(self, names: list[str]) -> None:
        """Check the names of a CSV file. Raises `ConfigurationError`."""
        known = [*self.sent, *self.kept]
        for name in names:
            if name not in known and name not in self.passed:
                hint = nearest(name, known) or f"There are: {', '.join(known[:30])}."
                raise ConfigurationError(f"The first line names '{name}', which is no field of a row. {hint}")

    def values(self, row: Mapping[str, Any], *, texts: bool) -> dict[str, Any]:
        """Answer the value of each column, by attribute; `texts` are those of a CSV file. Raises `Invalid`."""
        kept: dict[str, Any] = {}
        sent: dict[str, Any] = {}
        wrong: list[ErrorItem] = []
        for name, value in row.items():
            if name in self.passed:
                continue
            column = self.kept.get(name) or self.sent.get(name)
            if value is None and texts and column is not None and not column.nullable:
                continue  # an empty field is no value, and the default applies
            try:
                if name in self.kept:
                    kept[self.kept[name].attribute] = _stored_value(self.kept[name], value, texts)
                else:
                    sent[name] = _json_value(column, value) if texts else value
            except (ValueError, OverflowError) as error:
                wrong.append(ErrorItem(("body", name), f"'{name}' {error}.", "value_error"))
        if wrong:
            raise Invalid.of(wrong)
        made = values_of(self.body, validated(self.body, to_json(sent)))
        return {field.attribute: value for field, value in made.items()} | kept


def said(problem: Problem) -> str:
    """Say what is wrong with a row, all of it, in one line."""
    if not problem.errors:
        return problem.detail
    return " ".join(item.msg.replace("The body", "The row") for item in problem.errors)


def _key(info: Any, name: str) -> str:
    return info.validation_alias if isinstance(info.validation_alias, str) else name


def _stored(entity: type[Any]) -> set[str]:
    """List the attributes of the columns that a row can be given."""
    mapper: sa.orm.Mapper[Any] = sa.inspect(entity)
    columns = ((prop.key, prop.columns[0]) for prop in mapper.column_attrs)
    return {key for key, column in columns if isinstance(column, sa.Column) and column.computed is None}


def _stored_value(field: Field, value: Any, texts: bool) -> Any:
    """Read a value of a column that no body has, as the column reads it in a URL."""
    if value is None or (field.type.kind in ("json", "array") and not texts):
        return value
    if texts and field.type.kind in ("json", "array"):
        return _document(value)
    text = value if isinstance(value, str) else to_json(value).decode()
    return field.type.parse(armed(text) if texts else text)


def _json_value(field: Field | None, text: str | None) -> Any:
    """Write what stands in a CSV file as the JSON that a client would send. Raises `ValueError`."""
    if text is None:
        return None
    kind = "other" if field is None else field.type.kind
    if field is not None and kind in ("integer", "float", "boolean"):
        return field.type.parse(text)
    if kind == "decimal":
        return text
    if kind in ("json", "array"):
        return _document(text)
    plain = armed(text)
    if field is not None and kind == "enum":
        values = {
            value if isinstance(value, str) else to_json(value).decode(): value for _, value in field.type.members
        }
        return values.get(plain, plain)
    return plain


def _document(text: str) -> Any:
    try:
        return load_json(text.encode())
    except Problem:
        raise ValueError("must be JSON") from None
