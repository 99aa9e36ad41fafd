"""Query × Schema → `ReadPlan` of an export: every row that the filters choose, unless the client says how many."""

import re
from dataclasses import replace

from onetrip.errors import ErrorItem, Invalid
from onetrip.plan.binder import Binder
from onetrip.plan.cost import check_cost
from onetrip.plan.ir import Number, ReadPlan
from onetrip.plan.read import Endpoint, plan_read
from onetrip.query.ast import Query
from onetrip.schema.model import Schema
from onetrip.settings import Limits

_MOST = 2**63 - 1
"""The largest number of rows that both databases take."""


def is_exportable(endpoint: Endpoint) -> bool:
    """Say whether the rows of an endpoint are exported: those of a collection, or of a relation to many."""
    return endpoint.kind in ("collection", "related") and endpoint.many and endpoint.target.export


def plan_export(query: Query, endpoint: Endpoint, schema: Schema, limits: Limits) -> ReadPlan:
    """Plan an export. Raises `Invalid` like `plan_read`, and for parameters of pages."""
    paging = [name for name in ("after", "before", "count") if getattr(query, name) is not None]
    if paging:
        text = "is for pages; an export is written as a whole."
        items = [ErrorItem(("query", name), f"'{name}' {text}", "unknown_parameter") for name in paging]
        raise Invalid.of(items, "Leave it out, or ask for application/json.")
    plan = plan_read(replace(query, limit=None), endpoint, schema, limits)
    binder = Binder(len(endpoint.key), parameters=list(plan.parameters))
    limit = None if query.limit is None else Number(binder.value(("query", "limit"), _whole, query.limit))
    offset = None if query.offset is None else plan.selection.offset
    selection = replace(plan.selection, limit=limit, offset=offset, exactly=True)
    check = check_cost(selection.shape, limits)  # of each row: they are not held together
    return replace(plan, selection=selection, parameters=tuple(binder.parameters), check=check)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4000}", text):
        raise ValueError("must be a whole number that is not negative")
    if int(text) > _MOST:
        raise ValueError(f"must be at most {_MOST}")
    return int(text)
