"""Query × Schema → `ReadPlan`.

Every "no" that is neither syntax nor conflict is said here: what is unknown, what one may not see, what costs too much.
Pure: no I/O, no SQL, no HTTP. `plan_read` is a list of passes in reading order; each adds to the selection.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from onetrip.errors import ErrorItem, Invalid, Location
from onetrip.plan.binder import Binder
from onetrip.plan.cost import check_cost
from onetrip.plan.filters import Filters
from onetrip.plan.ir import (
    Anchor,
    Comparison,
    Counted,
    Embedded,
    Item,
    Parameter,
    Predicate,
    ReadPlan,
    Selection,
    Shape,
    Trail,
    Windowed,
)
from onetrip.plan.keyset import begun, paged
from onetrip.plan.order import key_order, order, sort_keys
from onetrip.plan.resolve import relation_named, shown_named, unknown
from onetrip.plan.search import matches, ranked
from onetrip.plan.windows import ordered, windows
from onetrip.query.ast import And, Compare, Condition, Embed, Not, Or, Path, Query, Some
from onetrip.query.parser import filter_name
from onetrip.query.split import PARAMETERS, TREES
from onetrip.schema.model import Field, Nested, Relation, ResourceSchema, Schema, View
from onetrip.settings import Limits

COUNT = "count"
"""What asks a relation for the number of its rows: `fields=id,comments.count`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """What a path stands for: a collection, one row, a relation of one row, or a row that is about to be made.

    A `child` is about to be made at the end of a relation, and a `link` is between the rows at both ends of it. A
    `history` is that of one row, and `restore` brings back a row that was deleted. An `aggregate` is of
    a collection, that of a relation too.
    """

    kind: Literal["collection", "item", "related", "created", "child", "link", "history", "restore", "aggregate"]
    resource: ResourceSchema
    relation: Relation | None = None
    target: ResourceSchema

    @property
    def many(self) -> bool:
        """Whether the answer is a list."""
        return self.kind in ("collection", "history", "aggregate") or (
            self.kind == "related" and self.relation is not None and self.relation.many
        )

    @property
    def key(self) -> tuple[Field, ...]:
        """The key that stands in the path; of a link, both keys."""
        if self.kind in ("collection", "created") or (self.kind == "aggregate" and self.relation is None):
            return ()
        return (*self.resource.key, *self.target.key) if self.kind == "link" else self.resource.key


def plan_read(
    query: Query, endpoint: Endpoint, schema: Schema, limits: Limits, nulls: tuple[bool, ...] = ()
) -> ReadPlan:
    """Plan one read. Slots of the key come first, those of the query after them; `nulls` are those of the cursor.

    Raises `Invalid` for names, operators and parameters that do not exist here, and for embeds over the limits.
    """
    planner = Planner(schema, limits, endpoint, nulls, embeds_begin=endpoint.kind == "item")
    key = planner.key()
    refuse_list_parameters(query, endpoint)
    where = planner.filters(query)
    selection = Selection(shape=planner.shape(endpoint.target, query), where=where, rank=ranked(query, where))
    if endpoint.many:
        selection = planner.window(planner.ordered(selection, query), query)
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
    paging = None
    if endpoint.many:
        selection, paging = paged(selection, query, planner.binder)
    return ReadPlan(
        selection=selection, many=endpoint.many, parameters=planner.parameters, anchor=anchor, version=version,
        trail=trail, paging=paging, cursors=tuple(planner.binder.cursors),
        check=check_cost(
            selection.shape, limits, limit=selection.limit, most=endpoint.target.max_limit if endpoint.many else 1
        ),
    )  # fmt: skip


@dataclass(slots=True)
class Planner:
    """One run of `plan_read` or `plan_write`: what its passes share.

    `nulls` are those of cursors. `embeds_begin` says whether an embed may begin behind one, as it may where one row is
    read: a cursor stands in the rows of one parent.
    """

    schema: Schema
    limits: Limits
    endpoint: Endpoint
    nulls: tuple[bool, ...] = ()
    embeds_begin: bool = False
    binder: Binder = field(init=False)
    embeds: int = 0

    def __post_init__(self) -> None:
        self.binder = Binder(len(self.endpoint.key), self.nulls)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that the passes have asked for."""
        return tuple(self.binder.parameters)

    def key(self) -> tuple[Comparison, ...]:
        """Bind the key in the path."""
        numbers = (
            self.binder.text(("path", part.name), part.type.parse, slot, miss_is_absence=True)
            for slot, part in enumerate(self.endpoint.key)
        )
        return tuple(
            Comparison(field=part, operator="eq", parameters=(number,))
            for part, number in zip(self.endpoint.key, numbers, strict=True)
        )

    def trail(self, key: tuple[Comparison, ...]) -> Trail:
        """Bind the key in the path a second time, as it stands in a history."""
        resource = self.endpoint.resource
        parts = tuple(
            self.binder.text(("path", part.name), part.type.to_json, slot, miss_is_absence=True)
            for slot, part in enumerate(resource.key)
        )
        return Trail(resource=resource.name, entity=resource.entity, where=key, key=parts)

    def filters(self, query: Query) -> tuple[Predicate, ...]:
        """Resolve every filter; where the answer is one object there are none, and each is refused by its name."""
        resource = self.endpoint.target
        if query.search is not None and not (self.endpoint.many and resource.search):
            raise unknown("q", resource, _parameters(self.endpoint), ("query", "q"), "parameter")
        if self.endpoint.many:
            where = self._filters(resource).all_of(query.where)
            found = resource.search and query.search and matches(resource.search, query.search, self.binder)
            return (*where, found) if found else where
        for condition in query.where:
            name = _name_of(condition)
            raise unknown(name, resource, _parameters(self.endpoint), ("query", name), "parameter")
        return ()

    def _filters(self, resource: ResourceSchema, *, options: bool = False) -> Filters:
        known = partial(_options, resource) if options else partial(_parameters, self.endpoint)
        return Filters(self.schema, self.limits, self.binder, resource, known)

    def ordered(self, selection: Selection, query: Query) -> Selection:
        """Resolve `sort`."""
        target = self.endpoint.target
        keys = sort_keys(query.sort or (), target, self.schema, self.limits.depth, ("query", "sort"))
        return ordered(replace(selection, order=(*keys, *key_order(target, keys))), keys, target)

    def window(self, selection: Selection, query: Query) -> Selection:
        """Bind `limit` and `offset`."""
        resource = self.endpoint.target
        limit = self.binder.number(("query", "limit"), query.limit, resource.default_limit, resource.max_limit)
        offset = self.binder.number(("query", "offset"), query.offset, 0, self.limits.offset)
        return replace(selection, limit=limit, offset=offset)

    def shape(self, resource: ResourceSchema, query: Query) -> Shape:
        """Resolve `fields` and `include` into what each object holds, and in which order."""
        wanted = None if query.fields is None else _tree(query.fields)
        return self._shape(resource, wanted, query.include, ())

    def _shape(
        self, resource: ResourceSchema, wanted: "_Tree | None", include: Sequence[Embed], above: tuple[str, ...]
    ) -> Shape:
        view = resource.view
        items: list[Item] = []
        includes = {embed.name: embed.query for embed in include}
        always = {nested.name: nested for nested in view.nested}
        for name, below in _spelled_out(wanted, view).items():
            if name in always:
                items.append(self._nested(always[name], below, includes.pop(name, Query()), above))
            elif not above and (seen := self._windows(name, below, resource)):
                items += seen
            elif below != _LEAF or (name in resource.relations and name not in resource.fields):
                relation = relation_named(resource, name, ("query", "fields"))
                below = self._counted(relation, below, items)
                if below or name in includes:
                    asked = includes.pop(name, Query())
                    items.append(self._embed(relation, below or None, asked, above, "fields"))
            else:
                items.append(shown_named(resource, name, ("query", "fields")))
        for name, asked in includes.items():
            if name in always:
                items.append(self._nested(always[name], None, asked, above))
                continue
            relation = relation_named(resource, name, ("query", "include"))
            items.append(self._embed(relation, None, asked, above, "include"))
        return Shape(view=view, items=tuple(items), loaded=self._loaded(view, items, above))

    def _windows(self, name: str, below: "_Tree", resource: ResourceSchema) -> list[Windowed]:
        """Resolve what a row is among all others, where the answer is a list of them."""
        return (
            windows(name, below.keys() - {_WHOLE}, resource)
            if self.endpoint.many and self.endpoint.kind in _LISTS
            else []
        )

    def _counted(self, relation: Relation, below: "_Tree", items: list[Item]) -> "_Tree":
        """Count the rows of a relation to many, where `comments.count` is no column, and answer what is left below."""
        target = self.schema.resources[relation.target]
        if not relation.many or COUNT not in below or COUNT in target.fields:
            return below
        items.append(Counted(name=f"{relation.name}.{COUNT}", relation=relation, entity=target.entity))
        return {name: further for name, further in below.items() if name != COUNT}

    def _loaded(self, view: View, items: Sequence[Item], above: tuple[str, ...]) -> tuple[Embedded, ...]:
        """Embed what a view that Python writes reads of other rows, whether it was asked for or not."""
        if view.python is None:
            return ()
        asked = {item.name for item in items}
        unasked = (nested for nested in view.nested if nested.name not in asked)
        return tuple(self._nested(nested, None, Query(), above) for nested in (*unasked, *view.read))

    def _embed(
        self, relation: Relation, wanted: "_Tree | None", query: Query, above: tuple[str, ...], parameter: str,
        nested: Nested | None = None,
    ) -> Embedded:  # fmt: skip
        self._spend(relation.name, len(above) + 1, ("query", parameter))
        target = nested.target if nested is not None else self.schema.resources[relation.target]
        within = (*above, relation.name)
        loc = ("query", "include", *within)
        if query.fields is not None:
            if wanted is not None and wanted != _LEAF:
                message = f"The fields of '{relation.name}' are named twice: in 'fields', and in its own options."
                raise Invalid.at((*loc, "fields"), message, "repeated")
            wanted = _tree(query.fields)
        shape = self._shape(target, wanted, query.include, within)
        selection = self._rows(relation, target, Selection(shape=shape), query, loc)
        if query.after is not None:
            if above or not (self.embeds_begin and relation.many):
                raise _not_of_embeds(relation, "after", (*loc, "after"))
            keyset = begun(relation, selection, query, self.binder, loc)
            selection = replace(selection, keyset=keyset)
        return Embedded(name=relation.name, relation=relation, selection=selection)

    def _rows(
        self, relation: Relation, target: ResourceSchema, selection: Selection, query: Query, loc: Location
    ) -> Selection:
        """Resolve which rows of a relation are embedded, how many, and in which order."""
        for name in ("before", "count"):
            if getattr(query, name) is not None:
                raise _not_of_embeds(relation, name, (*loc, name))
        if query.search is not None:
            raise unknown("q", target, _options(target), (*loc, "q"), "parameter")
        given = {name: getattr(query, name) for name in ("where", "sort", "limit", "offset")}
        if not relation.many:
            if found := [name for name, value in given.items() if value]:
                what = "filters" if "where" in found else f"'{found[0]}'"
                message = f"'{relation.name}' is one row: {what} of it cannot be asked for."
                raise Invalid.at(loc, message, "unknown_parameter", "Its options are 'fields' and 'include'.")
            return selection
        where = self._filters(target, options=True).all_of(query.where)
        keys = order(query.sort or (), target, self.schema, self.limits.depth, (*loc, "sort"))
        selection = replace(selection, where=where, order=keys, cap=self.limits.embed_rows)
        if query.limit is not None:
            limit = self.binder.number((*loc, "limit"), query.limit, 0, self.limits.embed_limit)
            selection = replace(selection, limit=limit, exactly=True, cap=None)
        if query.offset is not None:
            offset = self.binder.number((*loc, "offset"), query.offset, 0, self.limits.offset)
            selection = replace(selection, offset=offset)
        return selection

    def _nested(self, nested: Nested, wanted: "_Tree | None", query: Query, above: tuple[str, ...]) -> Embedded:
        """Embed a relation that a hand-written schema always shows; it counts, but not against the depth."""
        above = above[: self.limits.depth - 1]
        return replace(self._embed(nested.relation, wanted, query, above, "include", nested), name=nested.name)

    def _spend(self, name: str, depth: int, loc: Location) -> None:
        self.embeds += 1
        if depth > self.limits.depth:
            message = f"'{name}' is embedded {depth} levels deep; at most {self.limits.depth} are."
            raise Invalid.at(loc, message, "too_deep", "Ask for what lies deeper by its own path.")
        if self.embeds > self.limits.embeds:
            message = f"More than {self.limits.embeds} relations are embedded."
            raise Invalid.at(loc, message, "too_many", "Embed fewer, and ask for the others by their own paths.")


def _parameters(endpoint: Endpoint) -> tuple[str, ...]:
    """Name every parameter that an endpoint takes, operators aside."""
    if endpoint.kind == "link":
        return ()
    if not endpoint.many:
        return ("fields", "include")
    fields, parameters = endpoint.target.fields.values(), PARAMETERS
    if endpoint.target.search is None:
        parameters = PARAMETERS - {"q"}
    return (*(filter_name(shown.name) for shown in fields if shown.type.comparable), *sorted(parameters))


def _not_of_embeds(relation: Relation, name: str, loc: Location) -> Invalid:
    """Refuse what a list has and an embed has not; `after` it has in the row that the path names, and not below."""
    message = f"'{name}' does not stand in the options of '{relation.name}' here: an embed has no pages of its own."
    path = f"…/{relation.name}?{name}="
    return Invalid.at(loc, message, "unknown_parameter", f"Ask for the collection of one row: {path}.")


def _options(resource: ResourceSchema) -> tuple[str, ...]:
    """Name every option of an embed, operators aside."""
    fields = resource.fields.values()
    options = ("fields", "include", "limit", "offset", "sort", *sorted(TREES))
    return (*(filter_name(shown.name) for shown in fields if shown.type.comparable), *options)


def _name_of(condition: Condition) -> str:
    """Answer the parameter that a condition is read from."""
    match condition:
        case Compare() | Some():
            return condition.parameter
        case Or():
            return "or"
        case And():
            return "and"
        case Not():
            return "not"


_LISTS = ("collection", "related")
"""Endpoints whose rows have a rank, if they have many."""

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
    given = [
        name for name in ("sort", "limit", "offset", "after", "before", "count") if getattr(query, name) is not None
    ]
    if given:
        raise Invalid.of(
            [
                ErrorItem(
                    ("query", name), f"'{name}' is for lists; here the answer is one object.", "unknown_parameter"
                )
                for name in given
            ]
        )
