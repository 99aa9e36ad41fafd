"""The SQL of each kind of request, per dialect, without a database.

`ONETRIP_UPDATE_GOLDENS=1 pytest tests/sql/test_golden.py` writes the files anew; their difference is for the reviewer.
"""

import os
from pathlib import Path

import pytest
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import aiosqlite

from onetrip.http.routes import RouteTable
from onetrip.plan.aggregate import plan_aggregate
from onetrip.plan.groups import AggregatePlan
from onetrip.plan.ir import ReadPlan
from onetrip.plan.read import plan_read
from onetrip.query.aggregate import STRUCTURAL, parse_aggregate
from onetrip.query.parser import parse
from onetrip.query.split import split
from onetrip.schema.derive import derive
from onetrip.settings import Limits
from onetrip.sql.aggregate import compile_aggregate
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.dialects.postgresql import PostgreSQL
from onetrip.sql.dialects.sqlite import SQLite
from onetrip.sql.read import compile_read
from tests.sql.library import Book, Shelf, Writer
from tests.sql.people import Desk, Person, Project, Team
from tests.sql.samples import Document, Sample

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("ONETRIP_UPDATE_GOLDENS") == "1"

DIALECTS: dict[str, Dialect] = {
    "sqlite": SQLite(aiosqlite.dialect()),  # type: ignore[no-untyped-call]
    "postgresql": PostgreSQL(asyncpg.dialect()),  # type: ignore[no-untyped-call]
}

TABLES = (Team, Person, Project, Desk, Sample, Document, Writer, Book, Shelf)

QUERIES = {
    "list": "/people",
    "item": "/people/1",
    "composite_key": "/desks/1,2",
    "fields": "/people?fields=name,id",
    "to_one": "/people/1/team",
    "to_many": "/teams/1/members",
    "include_to_one": "/people?include=team",
    "include_to_many": "/teams/1?include=members",
    "include_nested": "/teams?include=members.reports.boss",
    "include_many_to_many": "/people?include=projects",
    "many_to_many": "/projects/1/people",
    "self_reference": "/people/1?include=boss,reports",
    "filters": "/people?name=Ada&team_id=1&budget=12.5",
    "filter_by_moment": "/samples?fields=id&moment=2026-01-31T09:30:00Z",
    "filter_by_enum": "/samples?fields=id&color=red&plain_mode=read-only&level=1",
    "filter_operators": "/people?fields=id&budget__gte=1&budget__lt=9.5&name__ne=Ada&team_id__between=1,3",
    "filter_in": "/people?fields=id&id__in=1,2,3&team_id__not_in=4,5",
    "filter_text": "/people?fields=id&name__contains=a&name__istartswith=A&name__like=_d%25",
    "filter_is_null": "/people?fields=id&boss_id__is_null=true&team.name__is_null=false",
    "filter_to_one": "/people?fields=id&team.name__icontains=core",
    "filter_to_many": "/people?fields=id&reports.name=Ben&projects__exists=false",
    "filter_some": "/people?fields=id&reports=(name=Ben,budget__gt=1)",
    "filter_tree": "/people?fields=id&or=(name=Ada,and=(budget__lt=1,team_id=2),id__in=(1,2))",
    "filter_not_to_one": "/people?fields=id&not=(boss.team.name=Core)",
    "filter_json": "/documents?fields=id&settings.theme=a&settings.size__gt=3&binary.t__overlaps=a&items__contains=1",
    "sort_to_one": "/people?fields=id&sort=-team.name:nullslast",
    "sort_json": "/documents?fields=id&sort=settings.size",
    "embed_options": "/teams?fields=id&include=members(budget__gt=1,sort=(-name),limit=3,offset=1,fields=(id,name))",
    "embed_counts": "/people?fields=id,reports.count,projects.count",
    "sort": "/people?sort=-name,budget:nullsfirst&limit=10&offset=20",
    "sort_by_enum": "/samples?fields=id&sort=color",
    "after": "/people?fields=id&after=x",
    "after_by_rows": "/people?fields=id,name&sort=-name&after=x",
    "after_by_keys": "/people?fields=id&sort=-name,budget:nullsfirst,team.name&after=x",
    "before": "/people?fields=id&sort=-name&before=x&limit=10",
    "before_in_relation": "/teams/1/members?fields=id&sort=name&before=x",
    "count_exact": "/teams/1/members?fields=id&name=Ada&count=exact",
    "count_estimated": "/people?fields=id&count=estimated",
    "deleted_list": "/books?fields=id",
    "deleted_item": "/books/1?fields=id",
    "deleted_to_many": "/writers/1/books?fields=id",
    "deleted_embeds": "/books?fields=id,writer.books.id",
    "deleted_many_to_many": "/shelves/1/books?fields=id",
    "aggregate": "/people:aggregate",
    "aggregate_by_relation": "/people:aggregate?group=team.name,boss_id&count=*&sum=budget&name__contains=a",
    "aggregate_by_span": "/samples:aggregate?group=moment:month,local:week,day:quarter&count=*",
    "aggregate_of_relation": "/teams/1/members:aggregate?group=name&max=budget",
    "aggregate_of_deleted": "/writers/1/books:aggregate",
    "aggregate_some": "/people:aggregate?group=team_id&count=*&avg=budget&having=(count=2,avg.budget=9)&sort=-count",
    "aggregate_types": "/samples:aggregate?sum=integer,ratio,price&avg=integer,ratio,price&min=color,at,ticket",
    "types": "/samples?fields=id,text,flag,moment,local,day,at,price,tiny,ratio,ticket,hex_ticket,color,level,raw",
}
"""Name of the file → request."""


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_sql(dialect: str, name: str) -> None:
    """A request compiles to the statement that was reviewed."""
    compiled = statement(DIALECTS[dialect], QUERIES[name])
    file = GOLDEN / dialect / f"{name}.sql"
    if UPDATE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(compiled)
    assert file.exists(), "run with ONETRIP_UPDATE_GOLDENS=1 and review what is written"
    assert compiled == file.read_text()


def test_no_file_is_left_over() -> None:
    """Every file belongs to a query."""
    assert {file.stem for file in GOLDEN.rglob("*.sql")} == set(QUERIES)


def statement(dialect: Dialect, target: str) -> str:
    """Compile a request, and say which parameter fills each placeholder."""
    schema = derive([*TABLES], dialect.sqlalchemy, dialect.inexact)
    path, _, query = target.partition("?")
    found = RouteTable(schema).find(path)
    assert found is not None
    plan: ReadPlan | AggregatePlan
    if found.route.endpoint.kind == "aggregate":
        asked = parse_aggregate(split(query.encode(), STRUCTURAL)[0])
        plan = plan_aggregate(asked, found.route.endpoint, schema, Limits())
        compiled = compile_aggregate(plan, dialect)
    else:
        plan = plan_read(parse(split(query.encode())[0]), found.route.endpoint, schema, Limits())
        compiled = compile_read(plan, dialect)
    lines = [line.rstrip() for line in compiled.text.splitlines()]
    names = ["/".join(map(str, parameter.loc)) for parameter in plan.parameters]
    filled = [
        repr(argument.constant) if argument.parameter is None else names[argument.parameter]
        for argument in compiled.arguments
    ]
    return "\n".join([f"-- GET {target}", *lines, f"-- {', '.join(filled) or 'no parameters'}", ""])
