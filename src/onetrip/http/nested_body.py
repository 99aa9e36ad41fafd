"""Bodies with rows of relations in them, as they are read: their form, the keys in them, and where something is wrong.

Nothing is written here, and the database is not asked.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from onetrip.errors import ErrorItem, Invalid, Location
from onetrip.http.body import MAX_ITEMS, body_problem
from onetrip.http.refused import Refused
from onetrip.http.values import validated, validated_many
from onetrip.schema.model import Body, Field, Inner, NestedBody, ResourceSchema

Document = dict[str, Any]
Key = tuple[str, ...]
"""The texts of a key."""


def nests(body: NestedBody, document: Any) -> bool:
    """Say whether there are rows of relations in a body, or in one of an array."""
    names = {inner.name for inner in body.inner}
    return any(isinstance(row, dict) and not names.isdisjoint(row) for row in each_of(document))


def each_of(document: Any) -> Sequence[Any]:
    """List the rows of a body: of an array, or the one that it is."""
    return document if isinstance(document, list) else [document]


def check_form(body: NestedBody, raw: bytes, document: Any, limit: int) -> None:
    """Say all that is wrong with the form of a body. Raises `Invalid`."""
    rows = [row for row in each_of(document) if isinstance(row, dict)]
    inner = [row[each.name] for row in rows for each in body.inner if each.name in row]
    if sum(len(value) if isinstance(value, list) else 1 for value in inner) > limit:
        raise Invalid.at(("body",), f"A body holds at most {limit} nested rows.", "too_many")
    items: list[ErrorItem] = []
    hint = None
    try:
        if isinstance(document, list):
            validated_many(body.whole, raw, len(document), limit)
        else:
            validated(body.whole, raw)
    except Invalid as error:
        items, hint = [*error.errors], error.hint
    for at, row in enumerate(each_of(document)):
        if isinstance(row, dict):
            items += _ends(body, row, ("body", at) if isinstance(document, list) else ("body",))
    if items:
        raise Invalid.of(items[:MAX_ITEMS], hint)


def _ends(body: NestedBody, row: Document, prefix: Location) -> Iterator[ErrorItem]:
    """Find what a row says twice, by a relation and its foreign key, and what it says by neither."""
    infos = body.own.model.model_fields
    required = {info.validation_alias or name for name, info in infos.items() if info.is_required()}
    for inner in body.inner:
        sent = [key for key in inner.keys if key in row]
        if inner.name in row and sent:
            text = f"'{sent[0]}' says what '{inner.name}' says: send one of them."
            yield ErrorItem((*prefix, sent[0]), text, "repeated")
        elif inner.name not in row:
            for key in inner.keys:
                if key in required and key not in row and body.kind != "update":
                    yield ErrorItem((*prefix, key), f"'{key}' or '{inner.name}' is required.", "missing")


def read_row(body: Body, document: Document, place: Location, given: Mapping[str, Location]) -> BaseModel:
    """Read a row by the plain body of its resource. What is wrong with a `given` key is said of another place."""
    try:
        return body.model.__pydantic_validator__.validate_json(json.dumps(document))  # type: ignore[no-any-return]
    except ValidationError as error:
        prefix: Location = ("body", *place)
        problem = body_problem(error, body.model, prefix, given)
        items = []
        for item in problem.errors:
            key = str(item.loc[len(prefix)]) if len(item.loc) > len(prefix) else ""
            items.append(replace(item, loc=("body", *given[key])) if key in given else item)
        raise Invalid.of(items, problem.hint) from None


@contextmanager
def standing_at(place: Location, given: Collection[Field] = ()) -> Iterator[None]:
    """Say where in a body it is that is refused. What was `given` to columns is there, and not looked for."""
    try:
        yield
    except Refused as error:
        error.place = place
        sure = {column.attribute for column in given}
        error.values = {name: value for name, value in error.values.items() if name not in sure}
        raise
    except Invalid as error:
        items = [
            replace(item, loc=("body", *place, *item.loc[1:])) if item.loc[:1] == ("body",) else item
            for item in error.errors
        ]
        raise Invalid(error.detail, errors=items, hint=error.hint, headers=error.headers) from error


def no_row(resource: ResourceSchema, place: Location, of: str = "") -> Invalid:
    """Say that a key leads to no row."""
    return Invalid.at(("body", *place), f"There is no such row in '{resource.name}'{of}.", "foreign_key")


def key_of(inner: Inner, value: Any, place: Location) -> Key | None:
    """Read the key that an object has, `None` when it has not all of it. Raises `Invalid` for one that no row has."""
    if not all(part.name in value for part in inner.key):
        return None
    texts = [value[part.name] for part in inner.key]
    try:
        return tuple(
            key_text(part.type.parse(text if isinstance(text, str) else json.dumps(text)))
            for part, text in zip(inner.key, texts, strict=True)
        )
    except (ValueError, OverflowError):
        raise no_row(inner.target, place) from None


def keys_of(inner: Inner, items: Sequence[Document], place: Location) -> list[Key | None]:
    """Read the keys of an array. Raises `Invalid` for one that is there twice."""
    keys = [key_of(inner, item, (*place, at)) for at, item in enumerate(items)]
    seen: set[Key | None] = set()
    for at, key in enumerate(keys):
        if key in seen and key is not None:
            raise Invalid.at(("body", *place, at), f"The same row stands twice in '{inner.name}'.", "repeated")
        seen.add(key)
    return keys


def key_text(value: Any) -> str:
    """Write a part of a key as it stands in a URL."""
    return str(to_jsonable_python(value))


def key_values(key: Sequence[Field], texts: Sequence[str]) -> dict[str, Any]:
    """Read the texts of a key, by attribute."""
    return {part.attribute: part.type.parse(text) for part, text in zip(key, texts, strict=True)}
