"""What a change of a row leaves behind in its history: who, when, and each column before and after.

Values are taken from the row as answers show it. Of columns that are hidden, or whose name looks secret, nothing is
kept but that they changed.
"""

import logging
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from onetrip.errors import Broken
from onetrip.http.request import header
from onetrip.schema.model import Past

Actor = Callable[[Mapping[str, Any]], str | None]
"""`actor(scope)` says who makes a request."""

REDACTED = "***"
"""What stands for the values of a column that nobody may read."""

_MAX = 200  # characters of a request's id

_log = logging.getLogger(__name__)


class State(NamedTuple):
    """A row at one moment: its columns as answers show them, and those that are redacted, by attribute."""

    shown: Mapping[str, Any]
    redacted: Mapping[str, Any]


ABSENT = State({}, {})
"""What there is before a row is created, and after it was deleted."""


def state_of(past: Past, record: bytes, row: Any) -> State:
    """Take down a row that was read: `record` is its JSON, `row` the instance that has the other columns."""
    whole = from_json(record)
    return State(
        {column.name: whole[column.name] for column in past.columns if column.name in whole},
        {column.attribute: deepcopy(getattr(row, column.attribute)) for column in past.redacted},
    )


def changes(past: Past, before: State, after: State) -> dict[str, Any]:
    """Say which columns differ: `[before, after]` by public name, in the order of declaration, then redacted ones."""
    found: dict[str, Any] = {}
    for column in past.columns:
        old, new = before.shown.get(column.name), after.shown.get(column.name)
        if to_json(old) != to_json(new):  # for Python, 1 is True
            found[column.name] = [old, new]
    for column in past.redacted:
        if before.redacted.get(column.attribute) != after.redacted.get(column.attribute):
            found[column.name] = REDACTED
    return found


def request_id(scope: Mapping[str, Any]) -> str | None:
    """Find what the client, or a proxy, calls a request: `X-Request-ID`."""
    found = header(scope.get("headers", ()), b"x-request-id")
    text = "" if found is None else found.decode("latin-1").replace("\0", "")[:_MAX]
    return text or None


def missing() -> Broken:
    """Say that a change was not made, because nothing could be written down of it."""
    _log.error(
        "The table 'onetrip_history' is missing or is not as it should be, so nothing can be changed where "
        "history=True: run 'onetrip db install', or add API.own_tables to the migrations."
    )
    return Broken("The history of this resource cannot be kept, so nothing was changed.")
