"""`rank` and `running` in `fields`: what a row is among all rows of its list, whichever page of it is read."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from onetrip.errors import Invalid
from onetrip.plan.functions import result
from onetrip.plan.ir import OrderKey, Selection, Windowed
from onetrip.plan.order import key_order
from onetrip.plan.resolve import field_named
from onetrip.schema.model import Field, ResourceSchema

RANK, RUNNING = "rank", "running"
"""`fields=rank` is the place of a row in the order, `fields=running.views` the sum of a column up to it."""

_SUMMED = frozenset({"integer", "decimal"})
"""Kinds of columns that are added up exactly, in whichever order."""


def windows(name: str, columns: Collection[str], resource: ResourceSchema) -> list[Windowed]:
    """Resolve `rank`, or `running` with the columns below it; nothing when the name means something else.

    Raises `Invalid` for what cannot be added up.
    """
    if name in resource.relations or any(item.name == name for item in resource.view.items):
        return []
    if name == RANK and not columns:
        return [Windowed(name=RANK)]
    if name != RUNNING or not columns:
        return []
    loc, found = ("query", "fields"), []
    for column in columns:
        field = field_named(resource, (column,), loc)
        if not _is_summed(field):
            message = f"'{field.name}' cannot be added up exactly, only whole and decimal numbers can."
            raise Invalid.at(loc, message, "not_summable")
        found.append(Windowed(name=f"{RUNNING}.{column}", field=field, type=result("sum", field.type)))
    return found


def window_names(resource: ResourceSchema) -> list[str]:
    """Name all windows of a resource."""
    summed = [f"{RUNNING}.{name}" for name, field in resource.fields.items() if _is_summed(field)]
    taken = {item.name for item in resource.view.items} | resource.relations.keys()
    return [*([RANK] if RANK not in taken else []), *(summed if RUNNING not in taken else [])]


def ordered(selection: Selection, requested: Sequence[OrderKey], resource: ResourceSchema) -> Selection:
    """Say in which order windows look at rows: that of the list; rows that `sort` does not tell apart rank equally."""
    peers = tuple(requested) or (() if selection.rank is not None else key_order(resource))
    items = tuple(
        replace(item, order=peers if item.field is None else selection.order) if isinstance(item, Windowed) else item
        for item in selection.shape.items
    )
    return replace(selection, shape=replace(selection.shape, items=items))


def is_windowed(selection: Selection) -> bool:
    """Say whether rows are seen among all others, so that a list cannot begin behind a cursor."""
    return any(isinstance(item, Windowed) for item in selection.shape.items)


def _is_summed(field: Field) -> bool:
    return field.type.kind in _SUMMED and field.type.comparable
