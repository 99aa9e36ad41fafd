"""`after`, `before` and `count`: which page of a list is read, and how one gets to the others."""

from dataclasses import replace
from typing import Literal

from onetrip.errors import Invalid, Location
from onetrip.plan.binder import Binder
from onetrip.plan.ir import Keyset, OrderKey, Paging, Selection
from onetrip.plan.windows import is_windowed
from onetrip.query.ast import Operand, Query
from onetrip.schema.model import Relation

Direction = Literal["after", "before"]


def paged(selection: Selection, query: Query, binder: Binder) -> tuple[Selection, Paging]:
    """Begin behind a cursor, if one is given; before one, the order is turned around. Raises `Invalid`."""
    given = _cursor(query)
    total = None if query.count == "none" else query.count
    if given is None:
        walks = query.offset is None and selection.rank is None and not is_windowed(selection)
        return selection, Paging(walks=walks, total=total)
    name, operand = given
    if is_windowed(selection):
        message = f"'rank' and 'running' begin at the first row of the list, and '{name}' behind it."
        raise Invalid.at(("query", name), message, "contradiction", "Ask for pages by 'offset'.")
    if selection.rank is not None:
        message = f"'{name}' needs an order of columns; without 'sort', what matches 'q' best comes first."
        raise Invalid.at(("query", name), message, "contradiction", "Add 'sort', or ask for pages by 'offset'.")
    keyset = binder.cursor(("query", name), operand, name, selection)
    order = tuple(map(turned, selection.order)) if name == "before" else selection.order
    return replace(selection, order=order, keyset=keyset), Paging(direction=name, total=total)


def _cursor(query: Query) -> tuple[Direction, Operand] | None:
    names: tuple[Direction, ...] = ("after", "before")
    given = [(name, operand) for name in names if (operand := getattr(query, name)) is not None]
    if not given:
        return None
    other = "before" if len(given) == 2 else "offset" if query.offset is not None else None
    if other is not None:
        raise _twice(given[0][0], other, ("query", other))
    return given[0]


def begun(relation: Relation, selection: Selection, query: Query, binder: Binder, loc: Location) -> Keyset:
    """Begin an embed behind a cursor, which is one of the collection of the same rows. Raises `Invalid`."""
    assert query.after is not None
    if query.offset is not None:
        raise _twice("after", "offset", (*loc, "offset"))
    return binder.cursor((*loc, "after"), query.after, "after", selection, relation)


def _twice(name: str, other: str, loc: Location) -> Invalid:
    message = f"'{name}' says where the page begins, and so does '{other}': give one of them."
    return Invalid.at(loc, message, "contradiction")


def turned(key: OrderKey) -> OrderKey:
    """Turn a key of an order around."""
    nulls_first = None if key.nulls_first is None else not key.nulls_first
    return replace(key, descending=not key.descending, nulls_first=nulls_first)
