"""What an answer may cost: how many rows it could hold at most, by the limits of its list and of its embeds.

The limits may be values of a request, so that a plan is checked with those. One that cannot cost too much, whatever its
values are, is not checked at all.
"""

from collections.abc import Callable
from typing import Any

from onetrip.errors import Invalid
from onetrip.plan.ir import Embedded, Number, Shape
from onetrip.settings import Limits

Check = Callable[[tuple[Any, ...]], None]
"""Refuses values of a request that are valid one by one, but not together. Raises `Invalid`."""


def check_cost(shape: Shape | None, limits: Limits, *, limit: Number | None = None, most: int = 1) -> Check | None:
    """Make what refuses values by which an answer could hold too many rows; `None` if there are no such values.

    `limit` says how many rows a list has, and `most` how many those can be. Without it, rows are counted one by one:
    the answer is one, or nobody knows how many there will be.
    """
    if limit is not None and limit.value is not None:
        most = limit.value
    if most * (1 + _embedded(shape, lambda number: _most(number, limits))) <= limits.cost:
        return None

    def check(values: tuple[Any, ...]) -> None:
        rows = (1 if limit is None else values[limit.parameter]) * (1 + _embedded(shape, lambda n: values[n.parameter]))
        if rows > limits.cost:
            raise _too_expensive(rows, limits.cost, _embeds(shape))

    return check


def _most(number: Number, limits: Limits) -> int:
    return limits.embed_limit if number.value is None else number.value


def _embedded(shape: Shape | None, value: Callable[[Number], int]) -> int:
    """Count the rows of relations to many that one row may bring along."""
    rows = 0
    for embed in _embeds(shape):
        selection = embed.selection
        further = _embedded(selection.shape, value)
        if embed.relation.many:
            limit = value(selection.limit) if selection.limit is not None else selection.cap or 0
            further = limit * (1 + further)
        rows += further
    return rows


def _embeds(shape: Shape | None) -> list[Embedded]:
    return [] if shape is None else [item for item in (*shape.items, *shape.loaded) if isinstance(item, Embedded)]


def _too_expensive(rows: int, most: int, embeds: list[Embedded]) -> Invalid:
    message = f"The answer could hold {rows:,} rows, its embeds included; at most {most:,} are answered."
    if not embeds:
        return Invalid.at(("query", "limit"), message, "too_expensive", "Ask for a smaller 'limit'.")
    many = next((embed.name for embed in embeds if embed.relation.many), embeds[0].name)
    hint = f"Ask for a smaller 'limit', of the list or in the options of its embeds: include={many}(limit=10)."
    return Invalid.at(("query", "include"), message, "too_expensive", hint)
