"""`q` × Schema → the predicate that rows match, and whether the best come first."""

from collections.abc import Sequence

from onetrip.plan.binder import Binder
from onetrip.plan.ir import Matches, Predicate
from onetrip.query.ast import Operand, Query
from onetrip.schema.model import Search
from onetrip.schema.words import searched


def matches(search: Search, operand: Operand, binder: Binder) -> Matches:
    """Search what a request asks for."""
    return Matches(search, binder.value(("query", "q"), searched, operand))


def ranked(query: Query, where: Sequence[Predicate]) -> Matches | None:
    """Answer what rows are ordered by before all else: what was searched for, unless `sort` says otherwise."""
    found = (predicate for predicate in where if isinstance(predicate, Matches))
    return next(found, None) if query.sort is None else None
