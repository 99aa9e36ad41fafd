"""Conditions × Schema → predicates: what the parameters that are filters mean.

A path through a relation to many means that there is some row at its end. Over one that is missing on the way, a
comparison is neither true nor false, as with NULL in SQL.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from onetrip.errors import Invalid, Location
from onetrip.plan import documents
from onetrip.plan.binder import Binder, read
from onetrip.plan.ir import AllOf, AnyOf, Comparison, Exists, Hop, Negation, Predicate
from onetrip.plan.operators import EXISTS, LISTS, Operator, flag, item, items_within, known, operators
from onetrip.plan.resolve import Walked, check_depth, unknown, walk
from onetrip.query.ast import And, Compare, Condition, Constant, Not, Or, Path, Some
from onetrip.query.split import PARAMETERS, too_many_values
from onetrip.schema.model import Field, Relation, ResourceSchema, Schema
from onetrip.schema.parsers import Parser
from onetrip.settings import Limits

MAX_ERRORS = 20
"""Errors of one request that are listed: to find the nearest name for each of thousands would take long."""


class _Found(NamedTuple):
    """What a path leads to: a column of a resource, or a relation of it, and the relations on the way."""

    way: tuple[Relation, ...]
    resource: ResourceSchema
    column: Field | None
    relation: Relation | None
    operator: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Resolves the conditions on one resource; `parameters` are the names that its endpoint takes.

    Inside of parentheses, `above` are the relations that lead there.
    """

    schema: Schema
    limits: Limits
    binder: Binder
    resource: ResourceSchema
    parameters: Callable[[], tuple[str, ...]]
    above: int = 0

    def all_of(self, conditions: Sequence[Condition]) -> tuple[Predicate, ...]:
        """Resolve every condition. Raises one `Invalid` for those that are wrong, or for the first of very many."""
        found: list[Predicate] = []
        refused: list[Invalid] = []
        for condition in conditions:
            try:
                found.append(self._predicate(condition, self.resource, certain=True))
            except Invalid as error:
                refused.append(error)
            if len(refused) == MAX_ERRORS:
                break
        if refused:
            raise Invalid.of([item for error in refused for item in error.errors][:MAX_ERRORS], refused[0].hint)
        return tuple(found)

    def _predicate(self, condition: Condition, resource: ResourceSchema, *, certain: bool) -> Predicate:
        """Resolve a condition. `certain` says that nothing around it tells what is false from what is unknown."""
        match condition:
            case Compare():
                return self._compare(condition, resource, certain)
            case Some():
                return self._some(condition, resource, certain)
            case And(of):
                return AllOf(tuple(self._predicate(part, resource, certain=certain) for part in of))
            case Or(of):
                return AnyOf(tuple(self._predicate(part, resource, certain=certain) for part in of))
            case Not(of):
                return Negation(self._predicate(of, resource, certain=False))

    # Comparisons

    def _compare(self, condition: Compare, resource: ResourceSchema, certain: bool) -> Predicate:
        loc = ("query", *condition.within, condition.parameter)
        self.binder.spend(loc, self.limits.conditions)
        found = self._find(condition, resource, loc)
        if found.relation is not None:
            return self._exists(found.relation, found, condition, loc)
        column = found.column
        assert column is not None
        operator = self._operator(column, found.operator, loc)
        if operator.takes == "flag":
            outer, path = self._divided(found.way)  # what is not there has no value
        elif certain or any(relation.many for relation in found.way):
            outer, path = self._hops(found.way), ()
        else:
            outer, path = (), self._hops(found.way)
        predicate = self._compared(column, operator, condition, loc, path)
        negated = operator.takes == "flag" and not _flag(condition, loc)
        return _through(outer, Negation(predicate) if negated else predicate)

    def _compared(
        self, column: Field, operator: Operator, condition: Compare, loc: Location, path: tuple[Hop, ...]
    ) -> Predicate:
        """Number the operands, and compare the column with them."""

        def bind(parse: Parser) -> tuple[int, ...]:
            return tuple(self.binder.value(loc, parse, operand) for operand in condition.operands)

        self._count(operator, len(condition.operands), loc)
        if condition.within and len(condition.operands) > self.limits.values:  # others were counted already
            raise too_many_values(loc, len(condition.operands), self.limits.values)
        reads = operator.reads
        if operator.name in LISTS and column.type.item is not None:  # parentheses list their values already
            reads = item if condition.within else partial(items_within, self.limits.values)
        if documents.needs(column, operator):
            return documents.compared(column, operator, bind, path, reads)
        if operator.takes == "flag":
            return Comparison(field=column, operator=operator.name, path=path)
        numbers = bind(reads(column.type))
        if operator.name != "between" and column.type.kind != "array":
            return Comparison(field=column, operator=operator.name, parameters=numbers, path=path)
        signs = ("gte", "lte") if operator.name == "between" else (operator.name,) * len(numbers)
        parts = tuple(
            Comparison(field=column, operator=sign, parameters=(number,), path=path)
            for sign, number in zip(signs, numbers, strict=True)
        )
        return AnyOf(parts) if operator.name == "overlaps" else AllOf(parts)

    def _count(self, operator: Operator, given: int, loc: Location) -> None:
        """Refuse more or fewer operands than an operator takes."""
        if operator.takes == "two" and given != 2:
            raise Invalid.at(
                loc, f"'{loc[-1]}' takes two values with a comma between them, not {given}.", "value_error"
            )
        if operator.takes == "value" and given != 1 and operator.name not in LISTS:
            raise Invalid.at(loc, f"'{loc[-1]}' takes one value, not {given}.", "value_error")

    def _operator(self, column: Field, name: str, loc: Location) -> Operator:
        there = operators(column.type)
        if name in there:
            return there[name]
        if not column.type.comparable:
            raise Invalid.at(loc, f"'{column.name}' cannot be filtered.", "not_filterable", known(there))
        message = f"'{name[:100]}' is not an operator of '{column.name}'."
        raise Invalid.at(loc, message, "unknown_operator", known(there))

    # Relations

    def _exists(self, relation: Relation, found: _Found, condition: Compare, loc: Location) -> Predicate:
        if found.operator != EXISTS.name:
            message = f"'{relation.name}' is a relation, and '{found.operator[:100]}' is not an operator of one."
            hint = f"Ask for a column, {relation.name}.{next(iter(self._target(relation).fields), '…')}, or '__exists'."
            raise Invalid.at(loc, message, "unknown_operator", hint)
        check_depth((condition.parameter,), self.above + len(found.way) + 1, self.limits.depth, loc)
        there = Exists(relation, self._target(relation).entity)
        return _through(self._hops(found.way), there if _flag(condition, loc) else Negation(there))

    def _some(self, condition: Some, resource: ResourceSchema, certain: bool) -> Predicate:
        """Resolve conditions on one row of a relation, or the text in parentheses that a column is compared with."""
        loc = ("query", *condition.within, condition.parameter)
        way, end, rest = self._walk(tuple(condition.parameter.split(".")), resource, loc)
        relation = end.relations.get(rest[0]) if len(rest) == 1 else None
        if relation is None:
            name, separator, operator = condition.parameter.rpartition("__")
            name, operator = (name, operator) if separator and name else (condition.parameter, "eq")
            operands = () if condition.whole is None else (condition.whole,)
            compare = Compare(tuple(name.split(".")), operator, operands, condition.parameter, condition.within)
            return self._compare(compare, resource, certain)
        if condition.of is None:
            raise Invalid.at(loc, condition.problem or "", "syntax", f"Write {relation.name}=(column=value,…).")
        above = self.above + len(way) + 1
        check_depth(tuple(condition.parameter.split(".")), above, self.limits.depth, loc)
        target = self._target(relation)
        inner = replace(self, above=above)._predicate(condition.of, target, certain=True)
        return _through(self._hops(way), Exists(relation, target.entity, inner))

    def _divided(self, way: Sequence[Relation]) -> tuple[tuple[Hop, ...], tuple[Hop, ...]]:
        """Divide a way behind the last relation to many."""
        hops = self._hops(way)
        last = max((number for number, relation in enumerate(way, 1) if relation.many), default=0)
        return hops[:last], hops[last:]

    def _hops(self, way: Sequence[Relation]) -> tuple[Hop, ...]:
        return tuple(Hop(relation, self._target(relation).entity) for relation in way)

    def _target(self, relation: Relation) -> ResourceSchema:
        return self.schema.resources[relation.target]

    # Names

    def _find(self, condition: Compare, resource: ResourceSchema, loc: Location) -> _Found:
        """Find what a filter names; a column may itself be called `a__b`."""
        if condition.parameter in PARAMETERS:
            raise self._unknown(condition.parameter, resource, loc)
        way, end, rest = self._walk(condition.path, resource, loc)
        name, glued = ".".join(rest), f"{'.'.join(rest)}__{condition.operator}"
        column = end.fields.get(name)
        whole = end.fields.get(glued) if condition.parameter.endswith(glued) else None
        if column is not None and (whole is None or condition.operator in operators(column.type)):
            return _Found(way, end, column, None, condition.operator)
        if whole is not None:
            return _Found(way, end, whole, None, "eq")
        relation = end.relations.get(name)
        if relation is not None:
            return _Found(way, end, None, relation, condition.operator)
        inner = documents.field_inside(end, rest, loc)
        if inner is not None:
            return _Found(way, end, inner, None, condition.operator)
        if end is resource and resource is self.resource and not condition.within:
            raise self._unknown(condition.parameter, resource, loc)
        raise unknown(name, end, (*end.fields, *end.relations), loc, "field")

    def _walk(self, path: Path, resource: ResourceSchema, loc: Location) -> Walked:
        return walk(path, resource, self.schema, self.limits.depth, loc, above=self.above)

    def _unknown(self, name: str, resource: ResourceSchema, loc: Location) -> Invalid:
        return unknown(name, resource, self.parameters(), loc, "parameter")


def _flag(condition: Compare, loc: Location) -> bool:
    (operand,) = condition.operands
    assert isinstance(operand, Constant)  # what ends like a flag is part of the shape
    return bool(read(loc, flag, operand.text))


def _through(hops: Sequence[Hop], predicate: Predicate) -> Predicate:
    """Say that relations lead to a row of which a predicate is true."""
    for hop in reversed(hops):
        predicate = Exists(hop.relation, hop.entity, predicate)
    return predicate
