"""`after`, `before` and `count`: which page of a list is read, and how one gets to the others."""

from dataclasses import replace

from onetrip.errors import Invalid
from onetrip.plan.binder import Binder
from onetrip.plan.ir import Keyset, OrderKey, Paging, Selection
from onetrip.plan.windows import is_windowed
from onetrip.query.ast import Operand, Query, Slot

Nulls = tuple[bool, ...]
"""Which values of a cursor are NULL; nothing, before it was read, for none of them."""


def paged(selection: Selection, query: Query, binder: Binder, nulls: Nulls) -> tuple[Selection, Paging]:
    """Begin behind a cursor, if one is given; before one, the order is turned around. Raises `Invalid`."""
    name, operand = _cursor(query)
    total = None if query.count == "none" else query.count
    if operand is None:
        walks = query.offset is None and selection.rank is None and not is_windowed(selection)
        return selection, Paging(walks=walks, total=total)
    if is_windowed(selection):
        message = f"'rank' and 'running' begin at the first row of the list, and '{name}' behind it."
        raise Invalid.at(("query", name), message, "contradiction", "Ask for pages by 'offset'.")
    if selection.rank is not None:
        message = f"'{name}' needs an order of columns; without 'sort', what matches 'q' best comes first."
        raise Invalid.at(("query", name), message, "contradiction", "Add 'sort', or ask for pages by 'offset'.")
    assert isinstance(operand, Slot)  # no text of a cursor is shape
    backwards = name == "before"
    order = tuple(map(turned, selection.order)) if backwards else selection.order
    values = tuple(binder.constant(("query", name), None) for _ in order)
    keyset = Keyset(values, nulls or (False,) * len(order))
    paging = Paging(cursor=binder.key + operand.index, backwards=backwards, total=total)
    return replace(selection, order=order, keyset=keyset), paging


def _cursor(query: Query) -> tuple[str, Operand | None]:
    given: dict[str, Operand | None] = {"after": query.after, "before": query.before}
    named = [name for name, operand in given.items() if operand is not None]
    if not named:
        return "", None
    other = "before" if len(named) == 2 else "offset" if query.offset is not None else None
    if other is not None:
        message = f"'{named[0]}' says where the page begins, and so does '{other}': give one of them."
        raise Invalid.at(("query", other), message, "contradiction")
    return named[0], given[named[0]]


def turned(key: OrderKey) -> OrderKey:
    """Turn a key of an order around."""
    nulls_first = None if key.nulls_first is None else not key.nulls_first
    return replace(key, descending=not key.descending, nulls_first=nulls_first)
