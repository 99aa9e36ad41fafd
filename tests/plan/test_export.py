"""Plans of exports: the rows of a list without its window."""

from typing import Any

import pytest

from onetrip.errors import Invalid
from onetrip.http.routes import RouteTable
from onetrip.plan.export import is_exportable, plan_export
from onetrip.plan.ir import ReadPlan
from onetrip.query.parser import parse
from onetrip.query.split import split
from onetrip.settings import Limits
from onetrip.sql.export import compile_export
from tests.schema.serving import schema_of
from tests.sql.test_golden import DIALECTS
from tests.support import blog

SCHEMA = schema_of(blog.User, blog.Post, blog.Comment)
TABLE = RouteTable(SCHEMA)


def endpoint(path: str) -> Any:
    found = TABLE.find(path)
    assert found is not None
    return found.route.endpoint


def planned(path: str, query: bytes = b"") -> ReadPlan:
    shape, _ = split(query)
    return plan_export(parse(shape), endpoint(path), SCHEMA, Limits())


def test_there_is_no_window_unless_one_is_asked_for() -> None:
    """No default limit, no row more than was asked for, and a limit beyond that of lists."""
    plan = planned("/posts", b"views__gte=1")
    assert (plan.selection.limit, plan.selection.offset) == (None, None)
    plan = planned("/posts", b"limit=5000000&offset=7")
    assert plan.selection.exactly
    limit, offset = plan.selection.limit, plan.selection.offset
    assert limit is not None and offset is not None
    assert [plan.parameters[number.parameter].default for number in (limit, offset)] == [5_000_000, None]
    assert [plan.parameters[number.parameter].slot for number in (limit, offset)] == [None, 0]


@pytest.mark.parametrize("name", ["after", "before", "count"])
def test_pages_are_refused(name: str) -> None:
    """What belongs to pages has no meaning here."""
    with pytest.raises(Invalid, match=f"'{name}' is for pages"):
        planned("/posts", f"{name}={'exact' if name == 'count' else 'x'}".encode())


def test_what_is_exported() -> None:
    """Collections and relations to many."""
    found = {
        path: is_exportable(endpoint(path)) for path in ("/posts", "/posts/1", "/users/1/posts", "/posts/1/author")
    }
    assert found == {"/posts": True, "/posts/1": False, "/users/1/posts": True, "/posts/1/author": False}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_row_for_each_object(dialect: str) -> None:
    """No aggregate collects them, which would hold them all; they are ordered by their key."""
    for path in ("/posts", "/users/1/posts"):
        text = compile_export(planned(path), DIALECTS[dialect]).text
        assert "count(*)" not in text
        assert "_concat" not in text and "string_agg" not in text
        assert "LIMIT" not in text
        assert "ORDER BY post_1.id" in text
    assert compile_export(planned("/users/1/posts"), DIALECTS[dialect]).arguments[0].parameter == 0
