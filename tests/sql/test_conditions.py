"""Predicates as trees, which relations and other tables stand in, on both databases."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from onetrip.plan.ir import (
    AllOf,
    AnyOf,
    Comparison,
    Exists,
    Negation,
    OrderKey,
    Paging,
    Predicate,
    ReadPlan,
    Selection,
    Shape,
)
from onetrip.sql.read import compile_read
from tests.sql.answers import Serve, Service
from tests.sql.people import Desk, Membership, Person, Project, Team, metadata


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    served = serve_both(Team, Person, Project, Desk, metadata=[metadata])
    for service in served:
        service.store(
            *(Team(id=number, name=name) for number, name in enumerate(["Core", "Web"], 1)),
            *(Project(id=number, title=title) for number, title in enumerate(["Engine", "Loom"], 1)),
            Person(id=1, name="Ada", team_id=1),
            Person(id=2, name="Alan", team_id=2, boss_id=1),
            Person(id=3, name="Grace", boss_id=2),
            Desk(floor=1, number=1, color="red", person_id=1),
            Membership(person_id=1, project_id=1),
            Membership(person_id=1, project_id=2),
            Membership(person_id=2, project_id=2),
        )
    return served


class Conditions:
    """Builds predicates over people, collecting the values of their parameters."""

    def __init__(self, service: Service) -> None:
        self.resources = service.api.schema.resources
        self.values: list[Any] = []

    def equal(self, path: str, name: str, value: Any) -> Comparison:
        self.values.append(value)
        field = self.resources[path].fields[name]
        return Comparison(field=field, operator="eq", parameters=(len(self.values) - 1,))

    def some(self, path: str, name: str, of: Predicate | None = None) -> Exists:
        relation = self.resources[path].relations[name]
        return Exists(relation, self.resources[relation.target].entity, of)


def _named(c: Conditions, name: str) -> Comparison:
    return c.equal("people", "name", name)


def _numbered(c: Conditions, *ids: int) -> AnyOf:
    return AnyOf(tuple(c.equal("people", "id", number) for number in ids))


CASES: dict[str, tuple[Callable[[Conditions], Predicate], list[int]]] = {
    "all": (lambda c: AllOf((_named(c, "Ada"), c.equal("people", "team_id", 1))), [1]),
    "all of nothing": (lambda c: AllOf(()), [1, 2, 3]),
    "any": (lambda c: AnyOf((_named(c, "Ada"), _named(c, "Grace"))), [1, 3]),
    "any of nothing": (lambda c: AnyOf(()), []),
    "any inside all": (lambda c: AllOf((_numbered(c, 1, 2), c.some("people", "boss"))), [2]),
    "not, and NULL is neither": (lambda c: Negation(c.equal("people", "team_id", 1)), [2]),
    "not any": (lambda c: Negation(_numbered(c, 1, 2)), [3]),
    "to-one": (lambda c: c.some("people", "team", c.equal("teams", "name", "Web")), [2]),
    "no to-one": (lambda c: Negation(c.some("people", "team")), [3]),
    "to-many": (lambda c: c.some("people", "reports"), [1, 2]),
    "many-to-many": (lambda c: c.some("people", "projects", c.equal("projects", "title", "Engine")), [1]),
    "and back": (lambda c: c.some("people", "projects", c.some("projects", "people", _named(c, "Alan"))), [1, 2]),
    "to itself": (lambda c: c.some("people", "boss", _named(c, "Ada")), [2]),
    "to itself, twice": (lambda c: c.some("people", "boss", c.some("people", "boss", _named(c, "Ada"))), [3]),
    "a relation with constants": (lambda c: c.some("people", "red_desks"), [1]),
}
"""What is asked → the predicate, the people who meet it."""


@pytest.mark.parametrize("case", CASES)
def test_predicates(both: tuple[Service, Service], case: str) -> None:
    """A tree of predicates finds the same rows on both databases, NULL as SQL has it."""
    build, people = CASES[case]
    for service in both:
        conditions = Conditions(service)
        predicate = build(conditions)
        person = service.api.schema.resources["people"]
        selection = Selection(
            shape=Shape(view=person.view, items=(person.fields["id"],)),
            where=(predicate,),
            order=(OrderKey(field=person.fields["id"]),),
        )
        plan = ReadPlan(selection=selection, many=True, parameters=(), paging=Paging(walks=False))
        statement = compile_read(plan, service.api.database.dialect)
        row = service.runner.run(service.api.database.run(statement, tuple(conditions.values)))
        assert row is not None
        _, *records = row[0].split(b"\x1e")
        assert [json.loads(record)["id"] for record in records] == people, service.name
