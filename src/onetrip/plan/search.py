"""`q` × Schema → the predicate that rows match, and how well."""

from collections.abc import Sequence

from onetrip.errors import Invalid
from onetrip.plan.binder import Binder
from onetrip.plan.ir import Matches, Predicate
from onetrip.query.ast import Operand, Query
from onetrip.schema.model import Search
from onetrip.schema.words import searched


def matches(search: Search, operand: Operand, binder: Binder) -> Matches:
    """Search what a request asks for."""
    return Matches(search, binder.value(("query", "q"), searched, operand))


def ranked(query: Query, where: Sequence[Predicate]) -> Matches | None:
    """Answer by what rows are ordered before all else: by what was searched for, unless `sort` says otherwise.

    Raises `Invalid` for cursors in that order: how well a row matches changes with other rows.
    """
    found = next((predicate for predicate in where if isinstance(predicate, Matches)), None)
    if found is None or query.sort is not None:
        return None
    for name, given in (("after", query.after), ("before", query.before)):
        if given is not None:
            message = f"'{name}' needs a 'sort' beside 'q': how well a row matches is no place to go on from."
            raise Invalid.at(("query", name), message, "contradiction", "Add 'sort=id', say, or go on by 'offset'.")
    return found
