"""Relations of every kind, embedded and followed, against the ORM's own navigation."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.sql.answers import QUIET, Serve, Service, joined
from tests.sql.people import Desk, Membership, Person, Project, Team, metadata

pytestmark = QUIET

Tree = Mapping[str, "Tree"]

TREES: dict[str, tuple[type[Any], str, Tree]] = {
    "to-one": (Person, "team", {"team": {}}),
    "to-many": (Team, "members", {"members": {}}),
    "one-to-one": (Person, "desk", {"desk": {}}),
    "a condition with constants": (Person, "red_desks", {"red_desks": {}}),
    "to itself": (Person, "boss,reports", {"boss": {}, "reports": {}}),
    "to itself, nested": (Person, "boss.boss,reports.boss", {"boss": {"boss": {}}, "reports": {"boss": {}}}),
    "many-to-many": (Person, "projects", {"projects": {}}),
    "many-to-many, nested": (Project, "people.team,people.projects", {"people": {"team": {}, "projects": {}}}),
    "three deep": (Team, "members.reports.projects", {"members": {"reports": {"projects": {}}}}),
    "of a composite key": (Desk, "person.team", {"person": {"team": {}}}),
}
"""Case → model, include, the same as a tree."""


@pytest.fixture(scope="module")
def both(serve_both: Serve) -> tuple[Service, Service]:
    return serve_both(Team, Person, Project, Desk, metadata=[metadata])


@st.composite
def graphs(draw: st.DrawFn) -> list[Any]:
    """Draw people in teams, with bosses, desks and projects, or without."""
    names = st.sampled_from(["Ada", "", '"}]', "é😀\\", "\x1e\x01"])
    active = st.booleans()
    numbers = range(1, draw(st.integers(1, 6)) + 1)
    ids = st.none() | st.sampled_from(numbers)
    budgets = st.sampled_from([None, Decimal("0"), Decimal("12.5")])
    pairs = st.tuples(st.sampled_from(numbers), st.sampled_from([1, 2]))
    colors = st.sampled_from(["red", 'dark "red"', "grey"])
    return [
        *(Team(id=number, name=draw(names)) for number in numbers),
        *(Project(id=number, title=draw(names)) for number in (1, 2)),
        *(Person(id=n, name=draw(names), budget=draw(budgets), team_id=draw(ids), boss_id=draw(ids)) for n in numbers),
        *(Desk(floor=1, number=-n, color=draw(colors), person_id=n) for n in numbers if draw(st.booleans())),
        *(
            Membership(person_id=person, project_id=project, role=draw(names), share=draw(budgets), active=draw(active))
            for person, project in draw(st.sets(pairs, max_size=8))
        ),
    ]  # fmt: skip


def empty(service: Service) -> None:
    service.sql(*(table.delete() for table in reversed(metadata.sorted_tables)))


def expected(service: Service, session: Any, row: Any, tree: Tree, parent: Any = None) -> bytes:
    """Write a row as Pydantic does, and what hangs on it by the ORM's own relationships."""
    whole = service.shown(row)[:-1]
    for name, below in tree.items():
        value = getattr(row, name)
        if isinstance(value, Sequence):
            ordered = sorted(value, key=lambda each: sa.inspect(each).identity)
            written = joined(expected(service, session, each, below, row) for each in ordered)
        else:
            written = b"null" if value is None else expected(service, session, value, below, row)
        whole += b',"%s":%s' % (name.encode(), written)
    if {type(row), type(parent)} == {Person, Project}:
        person, project = (row, parent) if isinstance(row, Person) else (parent, row)
        link = session.get(Membership, (person.id, project.id))
        written = Membership.model_validate(link).model_dump_json(exclude={"person_id", "project_id"}).encode()
        whole += b',"_link":' + written
    return whole + b"}"


@pytest.mark.parametrize("case", TREES)
def test_embeds_equal_the_orm(both: tuple[Service, Service], case: str) -> None:
    """An answer with embedded rows is byte for byte what the ORM's relationships and Pydantic give."""
    model, include, tree = TREES[case]

    @settings(max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(graphs())
    def check(rows: list[Any]) -> None:
        bodies = []
        for service in both:
            empty(service)
            service.store(*(type(row)(**row.model_dump()) for row in rows))
            bodies.append(service.get(f"/{service.name_of(model)}?limit=100&include={include}"))
            want = service.ask(
                lambda session, service=service: joined(
                    expected(service, session, row, tree)
                    for row in session.exec(sa.select(model).order_by(*sa.inspect(model).primary_key)).scalars()
                )
            )
            assert bodies[-1].decode() == want.decode(), service.name
        assert bodies[0] == bodies[1]

    check()


RELATED: dict[str, str] = {
    "/people/1/team": '{"id":1,"name":"Core"}',
    "/people/1/boss": '{"id":2,"name":"Alan","budget":null,"team_id":null,"boss_id":null}',
    "/people/2/reports?fields=id": '[{"id":1}]',
    "/people/1/reports": "[]",
    "/teams/1/members?fields=name": '[{"name":"Ada"}]',
    "/people/1/desk": '{"floor":1,"number":7,"color":"red","person_id":1}',
    "/people/1/red_desks?fields=number": '[{"number":7}]',
    "/people/2/red_desks": "[]",
    "/people/1/projects": '[{"id":1,"title":"Engine","_link":{"role":"lead","share":"0.50","active":true}}]',
    "/desks/1,7?include=person.team&fields=color,person.team.name": '{"color":"red","person":{"team":{"name":"Core"}}}',
    "/desks/1,8/person?fields=id": '{"id":2}',
}
"""Path → answer."""


@pytest.fixture(scope="module")
def related(both: tuple[Service, Service]) -> tuple[Service, Service]:
    for service in both:
        empty(service)
        service.store(
            Team(id=1, name="Core"),
            Project(id=1, title="Engine"),
            Person(id=2, name="Alan"),
            Person(id=1, name="Ada", team_id=1, boss_id=2),
            Desk(floor=1, number=7, color="red", person_id=1),
            Desk(floor=1, number=8, color="grey", person_id=2),
            Membership(person_id=1, project_id=1, role="lead", share=Decimal("0.5")),
        )
    return both


@pytest.mark.parametrize("path", RELATED)
def test_relations_are_followed(related: tuple[Service, Service], path: str) -> None:
    """A relation of a row answers the same on both databases."""
    for service in related:
        assert service.get(path).decode() == RELATED[path], service.name
