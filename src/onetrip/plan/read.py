"""Query × Schema → `ReadPlan`.

Every "no" that is neither syntax nor conflict is said here: what is unknown, what one may not see, what costs too much.
Pure: no I/O, no SQL, no HTTP. `plan_read` is a list of passes in reading order; each adds to the selection.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from onetrip.errors import ErrorItem, Invalid, Location
from onetrip.plan.ir import Anchor, Comparison, Embedded, OrderKey, Parameter, ReadPlan, Selection, Shape, Trail
from onetrip.plan.resolve import field_named, relation_named, shown_named, unknown
from onetrip.query.ast import Compare, Embed, Operand, Path, Query, Slot
from onetrip.query.parser import PARAMETERS, RESERVED, filter_name
from onetrip.schema.model import Computed, Field, Nested, Relation, ResourceSchema, Schema, View
from onetrip.settings import Limits

OPERATORS = {"eq": "equal to"}
"""Operators of filters, with what they say."""


MAX_ERRORS = 20
"""Errors of one request that are listed: to find the nearest name for each of thousands would take long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """What a path stands for: a collection, one row, a relation of one row, or a row that is about to be made.

    A `child` is about to be made at the end of a relation, and a `link` is between the rows at both ends of it. A
    `history` is that of one row, and `restore` brings back a row that was deleted.
    """

    kind: Literal["collection", "item", "related", "created", "child", "link", "history", "restore"]
    resource: ResourceSchema
    relation: Relation | None = None
    target: ResourceSchema

    @property
    def many(self) -> bool:
        """Whether the answer is a list."""
        return self.kind in ("collection", "history") or (
            self.kind == "related" and self.relation is not None and self.relation.many
        )

    @property
    def key(self) -> tuple[Field, ...]:
        """The key that stands in the path; of a link, both keys."""
        if self.kind in ("collection", "created"):
            return ()
        return (*self.resource.key, *self.target.key) if self.kind == "link" else self.resource.key


def plan_read(query: Query, endpoint: Endpoint, schema: Schema, limits: Limits) -> ReadPlan:
    """Plan one read. Slots of the key come first, those of the query after them.

    Raises `Invalid` for names, operators and parameters that do not exist here, and for embeds over the limits.
    """
    planner = Planner(schema, limits, endpoint)
    key = planner.key()
    refuse_list_parameters(query, endpoint)
    selection = Selection(shape=planner.shape(endpoint.target, query), where=planner.filters(query))
    if endpoint.many:
        selection = planner.window(replace(selection, order=planner.order(query)), query)
    anchor = version = trail = None
    if endpoint.kind == "history":
        trail = planner.trail(key)
        if query.sort is None:  # the newest first
            selection = replace(selection, order=key_order(endpoint.target, descending=True))
    elif endpoint.relation is not None:
        anchor = Anchor(entity=endpoint.resource.entity, where=key, relation=endpoint.relation)
    elif endpoint.kind == "item":
        selection = replace(selection, where=(*key, *selection.where))
        version = endpoint.resource.writes.version
    return ReadPlan(
        selection=selection, many=endpoint.many, parameters=tuple(planner.parameters), anchor=anchor, version=version,
        trail=trail,
    )  # fmt: skip


@dataclass(slots=True)
class Planner:
    """One run of `plan_read` or `plan_write`: what its passes share."""

    schema: Schema
    limits: Limits
    endpoint: Endpoint
    parameters: list[Parameter] = field(default_factory=list)
    embeds: int = 0

    def key(self) -> tuple[Comparison, ...]:
        """Bind the key in the path."""
        return tuple(
            Comparison(
                field=part, operator="eq",
                parameters=(self._parameter(("path", part.name), part.type.parse, slot, miss_is_absence=True),),
            )
            for slot, part in enumerate(self.endpoint.key)
        )  # fmt: skip

    def trail(self, key: tuple[Comparison, ...]) -> Trail:
        """Bind the key in the path a second time, as it stands in a history."""
        resource = self.endpoint.resource
        parts = tuple(
            self._parameter(("path", part.name), part.type.to_json, slot, miss_is_absence=True)
            for slot, part in enumerate(resource.key)
        )
        return Trail(resource=resource.name, entity=resource.entity, where=key, key=parts)

    def filters(self, query: Query) -> tuple[Comparison, ...]:
        """Resolve every filter. Raises one `Invalid` for those that are wrong, or for the first of very many."""
        found: list[Comparison] = []
        refused: list[Invalid] = []
        for condition in query.where:
            assert isinstance(condition, Compare)
            try:
                found.append(self._filter(condition))
            except Invalid as error:
                refused.append(error)
            if len(refused) == MAX_ERRORS:
                break
        if refused:
            raise Invalid.of([item for error in refused for item in error.errors], refused[0].hint)
        return tuple(found)

    def _filter(self, condition: Compare) -> Comparison:
        loc = ("query", condition.parameter)
        found, operator = self._filtered(condition)
        if operator not in OPERATORS:
            raise Invalid.at(
                loc, f"'{operator[:100]}' is not an operator of '{found.name}'.", "unknown_operator",
                f"There is: {', '.join(OPERATORS)}.",
            )  # fmt: skip
        if not found.type.comparable:
            raise Invalid.at(loc, f"'{found.name}' cannot be filtered.", "not_filterable")
        return Comparison(
            field=found, operator=operator,
            parameters=tuple(self._operand(loc, found.type.parse, operand) for operand in condition.operands),
        )  # fmt: skip

    def _filtered(self, condition: Compare) -> tuple[Field, str]:
        """Find the column of a filter and its operator; a column may itself be called `a__b`."""
        resource, parameter = self.endpoint.target, condition.parameter
        if self.endpoint.many and parameter not in RESERVED:
            column = resource.fields.get(".".join(condition.path))
            whole = resource.fields.get(parameter)
            if column is not None and (whole is None or condition.operator in OPERATORS):
                return column, condition.operator
            if whole is not None:
                return whole, "eq"
        raise unknown(parameter, resource, _parameters(self.endpoint), ("query", parameter), "parameter")

    def order(self, query: Query) -> tuple[OrderKey, ...]:
        """Resolve `sort` and append the primary key, in the last key's direction, so that the order is total."""
        resource, loc = self.endpoint.target, ("query", "sort")
        keys: list[OrderKey] = []
        for wanted in query.sort or ():
            found = field_named(resource, wanted.path, loc)
            if not found.type.comparable:
                raise Invalid.at(loc, f"'{found.name}' cannot be sorted by.", "not_sortable")
            if any(key.field is found for key in keys):
                continue  # rows that are equal in a column cannot be told apart by it a second time
            nulls_first = None if wanted.nulls is None else wanted.nulls == "first"
            keys.append(OrderKey(field=found, descending=wanted.descending, nulls_first=nulls_first))
        return (*keys, *key_order(resource, keys))

    def window(self, selection: Selection, query: Query) -> Selection:
        """Bind `limit` and `offset`."""
        resource = self.endpoint.target
        limit = self._number("limit", query.limit, resource.default_limit, resource.max_limit)
        return replace(selection, limit=limit, offset=self._number("offset", query.offset, 0, self.limits.offset))

    def shape(self, resource: ResourceSchema, query: Query) -> Shape:
        """Resolve `fields` and `include` into what each object holds, and in which order."""
        wanted = None if query.fields is None else _tree(query.fields)
        return self._shape(resource, wanted, query.include, 1)

    def _shape(self, resource: ResourceSchema, wanted: "_Tree | None", include: Sequence[Embed], depth: int) -> Shape:
        view = resource.view
        items: list[Field | Computed | Embedded] = []
        includes = {embed.name: embed.query.include for embed in include}
        always = {nested.name: nested for nested in view.nested}
        for name, below in _spelled_out(wanted, view).items():
            if name in always:
                items.append(self._nested(always[name], below, includes.pop(name, ()), depth))
            elif below != _LEAF or (name in resource.relations and name not in resource.fields):
                relation = relation_named(resource, name, ("query", "fields"))
                items.append(self._embed(relation, below, includes.pop(name, ()), depth, "fields"))
            else:
                items.append(shown_named(resource, name, ("query", "fields")))
        for name, inner in includes.items():
            if name in always:
                items.append(self._nested(always[name], None, inner, depth))
                continue
            relation = relation_named(resource, name, ("query", "include"))
            items.append(self._embed(relation, None, inner, depth, "include"))
        return Shape(view=view, items=tuple(items), loaded=self._loaded(view, items, depth))

    def _loaded(self, view: View, items: Sequence[Field | Computed | Embedded], depth: int) -> tuple[Embedded, ...]:
        """Embed what a view that Python writes reads of other rows, whether it was asked for or not."""
        if view.python is None:
            return ()
        asked = {item.name for item in items}
        unasked = (nested for nested in view.nested if nested.name not in asked)
        return tuple(self._nested(nested, None, (), depth) for nested in (*unasked, *view.read))

    def _embed(
        self, relation: Relation, wanted: "_Tree | None", include: Sequence[Embed], depth: int, parameter: str,
        nested: Nested | None = None,
    ) -> Embedded:  # fmt: skip
        self._spend(relation.name, depth, ("query", parameter))
        target = nested.target if nested is not None else self.schema.resources[relation.target]
        shape = self._shape(target, wanted, include, depth + 1)
        selection = Selection(shape=shape)
        if relation.many:
            selection = replace(selection, order=key_order(target), cap=self.limits.embed_rows)
        return Embedded(name=relation.name, relation=relation, selection=selection)

    def _nested(self, nested: Nested, wanted: "_Tree | None", include: Sequence[Embed], depth: int) -> Embedded:
        """Embed a relation that a hand-written schema always shows; it counts, but not against the depth."""
        depth = min(depth, self.limits.depth)
        return replace(self._embed(nested.relation, wanted, include, depth, "include", nested), name=nested.name)

    def _spend(self, name: str, depth: int, loc: Location) -> None:
        self.embeds += 1
        if depth > self.limits.depth:
            raise Invalid.at(
                loc, f"'{name}' is embedded {depth} levels deep; at most {self.limits.depth} are.", "too_deep"
            )
        if self.embeds > self.limits.embeds:
            raise Invalid.at(loc, f"More than {self.limits.embeds} relations are embedded.", "too_many")

    def _number(self, name: str, operand: Operand | None, default: int, maximum: int) -> int:
        def parse(text: str) -> int:
            if not re.fullmatch(r"[0-9]{1,4000}", text):
                raise ValueError("must be a whole number that is not negative")
            if int(text) > maximum:
                raise ValueError(f"must be at most {maximum}")
            return int(text)

        if operand is None:
            self.parameters.append(Parameter(loc=("query", name), parse=parse, default=default))
            return len(self.parameters) - 1
        return self._operand(("query", name), parse, operand)

    def _operand(self, loc: Location, parse: Callable[[str], Any], operand: Operand) -> int:
        if isinstance(operand, Slot):
            return self._parameter(loc, parse, len(self.endpoint.key) + operand.index)
        self.parameters.append(Parameter(loc=loc, parse=parse, default=parse(operand.text)))
        return len(self.parameters) - 1

    def _parameter(
        self, loc: Location, parse: Callable[[str], Any], slot: int, *, miss_is_absence: bool = False
    ) -> int:
        self.parameters.append(Parameter(loc=loc, parse=parse, slot=slot, miss_is_absence=miss_is_absence))
        return len(self.parameters) - 1


def key_order(
    resource: ResourceSchema, after: Sequence[OrderKey] = (), *, descending: bool = False
) -> tuple[OrderKey, ...]:
    """Order by what is left of the primary key, in the direction of the keys before it."""
    descending = after[-1].descending if after else descending
    given = {key.field.attribute for key in after}
    return tuple(OrderKey(field=part, descending=descending) for part in resource.key if part.attribute not in given)


def _parameters(endpoint: Endpoint) -> tuple[str, ...]:
    """Name every parameter that an endpoint takes."""
    if endpoint.kind == "link":
        return ()
    if not endpoint.many:
        return ("fields", "include")
    fields = endpoint.target.fields.values()
    return (*(filter_name(shown.name) for shown in fields if shown.type.comparable), *sorted(PARAMETERS))


_Tree = dict[str, "_Tree"]
_WHOLE = ""
_LEAF: _Tree = {_WHOLE: {}}
"""What stands at the end of a path: the whole column or relation. No name is empty."""


def _tree(paths: Iterable[Path]) -> _Tree:
    """Merge paths: `id,author.name,author.id` is a tree of `id` and `author`, which is one of `name` and `id`."""
    tree: _Tree = {}
    for path in paths:
        branch = tree
        for name in (*path, _WHOLE):
            branch = branch.setdefault(name, {})
    return tree


def _spelled_out(wanted: _Tree | None, view: View) -> _Tree:
    """Replace "the whole" by the names of everything in a view; what is wanted beside it stays."""
    if wanted is not None and _WHOLE not in wanted:
        return wanted
    named = {item.name: _LEAF for item in view.items}
    further = {name: named.get(name, {}) | below for name, below in (wanted or {}).items() if name != _WHOLE}
    return named | further


def refuse_list_parameters(query: Query, endpoint: Endpoint) -> None:
    """Refuse `sort`, `limit` and `offset` where the answer is one object."""
    if endpoint.many:
        return
    given = [name for name in ("sort", "limit", "offset") if getattr(query, name) is not None]
    if given:
        raise Invalid.of(
            [
                ErrorItem(
                    ("query", name), f"'{name}' is for lists; here the answer is one object.", "unknown_parameter"
                )
                for name in given
            ]
        )
