"""`Limits`: what costs too much is a 422 that says how much there may be, wherever it can be asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import Limits, Resource
from tests.http.client import Answer
from tests.http.searching import searched
from tests.schema.serving import Served, base, served
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    pass


class Tree(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    branches: list["Branch"] = Relationship(back_populates="tree")


class Branch(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    tree_id: int | None = Field(default=None, foreign_key="tree.id")
    tree: Tree | None = Relationship(back_populates="branches")
    leaves: list["Leaf"] = Relationship(back_populates="branch")


class Leaf(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    branch_id: int | None = Field(default=None, foreign_key="branch.id")
    branch: Branch | None = Relationship(back_populates="leaves")
    cells: list["Cell"] = Relationship(back_populates="leaf")


class Cell(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(default="", max_length=8)
    tags: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    leaf_id: int | None = Field(default=None, foreign_key="leaf.id")
    leaf: Leaf | None = Relationship(back_populates="cells")


TABLES = (Resource(Tree, bulk=True), Branch, Leaf, Cell)
FEW = Limits(
    depth=2, embeds=3, embed_limit=10, conditions=3, values=5, value_length=20, cost=200, aggregates=2, offset=50
)
CSV = {"accept": "text/csv"}
LONG = "x" * 21

REFUSED: list[tuple[str, str, tuple[str, ...], str]] = [
    # depth
    ("/trees?include=branches.leaves.cells", "too_deep", ("include",), "'cells' is embedded 3 levels deep; at most 2"),
    ("/trees/1?include=branches.leaves.cells", "too_deep", ("include",), "at most 2 are"),
    ("/trees?fields=branches.leaves.cells.id", "too_deep", ("fields",), "at most 2 are"),
    ("/trees?branches.leaves.cells.id=1", "too_deep", ("branches.leaves.cells.id",), "more than 2 relations"),
    ("/trees?or=(branches=(leaves=(cells__exists=true)))", "too_deep", (), "more than 2 relations"),
    ("/cells?sort=leaf.branch.tree.id", "too_deep", ("sort",), "more than 2 relations"),
    ("/cells:aggregate?group=leaf.branch.tree.id", "too_deep", ("group",), "more than 2 relations"),
    # embeds
    ("/branches?include=tree,leaves(limit=1,include=(cells(limit=1),branch))", "too_many", (), "More than 3 relations"),
    # conditions
    ("/trees?id=1&name=a&id__gt=2&id__lt=3", "too_many", ("id__lt",), "at most 3 conditions, and 'id__lt' is one more"),
    ("/trees?id=1&or=(name=a,name=b,not=(name=c))", "too_many", ("or", "not", "name"), "at most 3 conditions"),
    ("/trees/1?include=branches(limit=1,id=1,or=(id=2,id=3,id=4))", "too_many", (), "at most 3 conditions"),
    ("/trees:aggregate?id=1&name=a&count=*&having=(count__gt=1,count__lt=9)", "too_many", (), "at most 3 conditions"),
    # values
    ("/trees?id__in=1,2,3,4,5,6", "too_many", ("id__in",), "'id__in' has 6 values; at most 5 are taken"),
    ("/trees?id__in=1,2,3&id__in=4,5,6", "too_many", ("id__in",), "has 6 values; at most 5"),
    ("/trees?branches.id__not_in=1,2,3,4,5,6", "too_many", ("branches.id__not_in",), "has 6 values"),
    ("/trees?or=(id__in=(1,2,3,4,5,6))", "too_many", ("or", "id__in"), "'id__in' has 6 values; at most 5"),
    ("/trees?branches=(id__in=(1,2,3,4,5,6))", "too_many", ("branches", "id__in"), "has 6 values; at most 5"),
    ("/trees/1?include=branches(limit=1,id__in=(1,2,3,4,5,6))", "too_many", (), "has 6 values; at most 5"),
    ("/trees:aggregate?id__in=1,2,3,4,5,6", "too_many", ("id__in",), "has 6 values; at most 5"),
    ("/trees:aggregate?count=*&having=(count__in=(1,2,3,4,5,6))", "too_many", ("having", "count__in"), "has 6 values"),
    ("/cells?tags__contains=a,b,c,d,e,f", "value_error", ("tags__contains",), "has 6 values; at most 5"),
    ("/cells?or=(tags__overlaps=(a,b,c,d,e,f))", "too_many", ("or", "tags__overlaps"), "has 6 values; at most 5"),
    # value_length
    (f"/trees?name={LONG}", "too_long", ("name",), "'name' has a value of 21 characters; at most 20 are read"),
    (f"/trees?name__in=a,{LONG}", "too_long", ("name__in",), "21 characters; at most 20"),
    (f"/trees?name__icontains={LONG}", "too_long", ("name__icontains",), "21 characters; at most 20"),
    (f"/trees?or=(name=a,name={LONG})", "too_long", ("or", "name"), "'name' has a value of 21 characters"),
    (f"/trees?branches=(name={LONG})", "too_long", ("branches", "name"), "'name' has a value of 21 characters"),
    (f"/trees?name=({LONG}", "too_long", ("name",), "22 characters; at most 20"),
    (f"/trees/1?include=branches(limit=1,name={LONG})", "too_long", ("include", "name"), "21 characters; at most 20"),
    (f"/trees:aggregate?name={LONG}", "too_long", ("name",), "21 characters; at most 20"),
    (f"/trees:aggregate?count=*&having=(count={'1' * 21})", "too_long", ("having", "count"), "21 characters"),
    # cost
    ("/trees?limit=500", "too_expensive", ("limit",), "could hold 500 rows, its embeds included; at most 200"),
    ("/trees?limit=2&include=branches", "too_expensive", ("include",), "could hold 202 rows"),
    ("/trees?include=branches(limit=4)", "too_expensive", ("include",), "could hold 250 rows"),
    ("/trees/1?include=branches.leaves", "too_expensive", ("include",), "could hold 10,101 rows"),
    ("/leaves?limit=20&include=branch.leaves(limit=10)", "too_expensive", ("include",), "could hold 220 rows"),
    ("/trees?fields=id,branches.id&limit=9", "too_expensive", ("include",), "could hold 909 rows"),
    ("/trees/1/branches?limit=2&include=leaves", "too_expensive", ("include",), "could hold 202 rows"),
    ("/trees:aggregate?limit=201&group=name", "too_expensive", ("limit",), "could hold 201 rows"),
    # the others
    ("/trees?offset=51", "value_error", ("offset",), "'offset' must be at most 50"),
    ("/trees:aggregate?offset=51", "value_error", ("offset",), "'offset' must be at most 50"),
    ("/trees?limit=1001", "value_error", ("limit",), "'limit' must be at most 1000"),
    ("/trees/1?include=branches(limit=11)", "value_error", (), "'limit' must be at most 10"),
    ("/trees:aggregate?group=id&count=*&max=id", "too_many_aggregates", ("max",), "at most 2 are answered"),
]
"""What `FEW` refuses: the type of the error, where it stands, and what it says."""

TAKEN = [
    "/trees?include=branches.tree&limit=1",
    "/branches/1?include=tree,leaves(limit=3,include=cells(limit=3))",
    "/trees?id=1&name=a&id__gt=2",
    "/trees?id__in=1,2,3,4,5",  # five are eight in the statement
    "/trees?or=(id__in=(1,2,3,4,5))",
    "/cells?tags__contains=a,b,c,d,e",
    "/cells?or=(tags__overlaps=(a,b,c,d,e))",
    f"/trees?name={LONG[1:]}",
    f"/trees?or=(name={LONG[1:]},name={LONG[1:]})",
    f"/trees?branches=(name={LONG[1:]},name={LONG[1:]})",
    "/trees?limit=200",
    "/trees?limit=1&include=branches",
    "/trees/1?include=branches(limit=10).leaves(limit=10)",
    "/leaves?limit=200&include=branch.tree",  # relations to one bring no rows along that were not counted
    "/trees?limit=18&include=branches(limit=10)",
    "/trees:aggregate?group=name&limit=200",
    "/trees?offset=50",
]


@contextmanager
def trees(backend: Backend, limits: Limits) -> Iterator[Served]:
    with served(backend, *TABLES, rows=[Tree(), Branch(tree_id=1), Leaf(branch_id=1)], limits=limits) as found:
        yield found


def said(answer: Answer) -> tuple[int, str, tuple[str, ...], str]:
    """The type, place and sentence of a refusal."""
    problem = answer.json()
    error = problem["errors"][0]
    return answer.status, error["type"], tuple(error["loc"][1:]), error["msg"]


def test_what_is_too_much_is_refused(backend: Backend) -> None:
    """By name, with the limit, and with what to do instead."""
    with trees(backend, FEW) as found:
        for path, kind, loc, text in REFUSED:
            answer = found.client.get(path)
            status, type_, place, message = said(answer)
            assert (status, type_) == (422, kind), (path, answer.body)
            assert text in message and (not loc or place == loc), (path, place, message)
            if kind != "value_error":
                assert answer.json()["hint"], path


def test_what_is_just_not_too_much_is_answered(backend: Backend) -> None:
    """The limit itself is within it."""
    with trees(backend, FEW) as found:
        for path in TAKEN:
            answer = found.client.get(path)
            assert answer.status == 200, (path, answer.body)


def test_exports_have_the_limits_of_lists_but_for_their_length(backend: Backend) -> None:
    """Each row of an export costs by itself, however many there are."""
    with trees(backend, FEW) as found:
        for path in ("/trees", "/trees?limit=100000", "/trees?include=branches", "/trees?limit=500&include=branches"):
            assert found.client.get(path, **CSV).status == 200, path
        for path, kind in (
            ("/trees?include=branches.leaves", "too_expensive"),
            ("/trees?include=branches.leaves.cells", "too_deep"),
            ("/trees?id__in=1,2,3,4,5,6", "too_many"),
            (f"/trees?name={LONG}", "too_long"),
            ("/trees?id=1&name=a&id__gt=2&id__lt=3", "too_many"),
            ("/trees?offset=51", "value_error"),
        ):
            assert said(found.client.get(path, **CSV))[:2] == (422, kind), path


def test_writes_have_the_limits_of_what_they_answer_and_choose(backend: Backend) -> None:
    """Nothing is written by what is refused."""
    with trees(backend, FEW) as found:
        before = found.get("/trees")
        for method, path, body, kind in (
            ("POST", "/trees?include=branches.leaves", {}, "too_expensive"),
            ("POST", "/trees?include=branches.leaves", [{}, {}], "too_expensive"),
            ("POST", "/trees?include=branches.leaves.cells", {}, "too_deep"),
            ("PATCH", "/trees/1?include=branches.leaves", {"name": "new"}, "too_expensive"),
            ("PATCH", f"/trees/1?include=branches(limit=1,name={LONG})", {"name": "new"}, "too_long"),
            ("PUT", "/trees/1?include=branches.leaves", {"name": "new"}, "too_expensive"),
            ("PATCH", "/trees?id__in=1,2,3,4,5,6", {"name": "new"}, "too_many"),
            ("PATCH", f"/trees?name__ne={LONG}", {"name": "new"}, "too_long"),
            ("POST", "/trees/1/branches?include=leaves.branch.leaves", {}, "too_deep"),
            ("POST", "/branches?include=leaves.cells", {}, "too_expensive"),
        ):
            answer = found.client.send(method, path, body)
            assert said(answer)[:2] == (422, kind), (method, path, answer.body)
        assert found.get("/trees") == before
        assert found.client.send("POST", "/trees?include=branches", [{}, {}]).status == 201


def test_cursors_are_no_values(backend: Backend) -> None:
    """A cursor is longer than a value may be, and leads on."""
    with trees(backend, FEW) as found:
        found.client.send("POST", "/trees", [{}, {}])
        answer = found.client.get("/trees?limit=1&fields=id")
        following = next(link for link in answer.headers["link"].split(", ") if 'rel="next"' in link)
        assert len(following) > 20 + len("after=")
        assert found.get(following.partition("<")[2].partition(">")[0]) == [{"id": 2}]


def test_a_key_that_is_too_long_is_no_row(backend: Backend) -> None:
    """The path has no limit of its own: a key of any length is looked up, or is out of range."""
    with trees(backend, FEW) as found:
        assert found.client.get(f"/trees/{'9' * 3000}").status == 404
        assert found.client.get(f"/trees/{'x' * 3000}").status == 422


def test_searches_are_values(backend: Backend) -> None:
    """`q` is as long as a value may be."""

    class Page(base(), table=True):  # type: ignore[misc, call-arg]
        id: int | None = Field(default=None, primary_key=True)
        text: str = ""

    with searched(backend, Resource(Page, search=["text"]), limits=Limits(value_length=10)) as found:
        assert found.client.get("/pages?q=tenletters").status == 200
        assert said(found.client.get("/pages?q=elevenchars"))[:3] == (422, "too_long", ("q",))


def test_what_is_asked_by_default_is_never_too_expensive(backend: Backend) -> None:
    """Whatever is embedded within the limits that there are by default; far more than that is refused."""
    deep = "include=branches.leaves.cells"
    with trees(backend, Limits()) as found:
        for path in (f"/trees?{deep}", f"/trees?limit=900&{deep}", "/trees?limit=1000&include=branches.leaves"):
            assert found.client.get(path).status == 200, path
        large = "include=branches(limit=1000).leaves(limit=1000)"
        answer = found.client.get(f"/trees?limit=1000&{large}")
        assert said(answer)[:2] == (422, "too_expensive"), answer.body
        assert found.client.get(f"/trees?limit=900&{large}").status == 200


def test_openapi_says_it(backend: Backend) -> None:
    """Lists have their `maxItems`, texts their `maxLength`; one that a column has is kept where it is less."""
    with trees(backend, Limits(values=7, value_length=11)) as found:
        paths: dict[str, Any] = found.get("/openapi.json")["paths"]
        for path in ("/cells", "/cells:aggregate"):
            schemas = {each["name"]: each["schema"] for each in paths[path]["get"]["parameters"]}
            assert schemas["id__in"]["maxItems"] == schemas["name__not_in"]["maxItems"] == 7
            assert schemas["name__in"]["items"]["maxLength"] <= 11
            assert schemas["leaf.name"]["maxLength"] == schemas["name__contains"]["maxLength"] == 11
            assert "maxLength" not in schemas["id"]


def test_what_cannot_be_too_much_is_not_counted(backend: Backend) -> None:
    """A request is only counted if its values could make it too expensive."""
    with trees(backend, Limits()) as found:
        for path in ("/trees", "/trees/1", "/branches?include=tree", "/trees?include=branches.leaves"):
            assert found.client.get(path).status == 200
        prepared = found.api.pipeline.prepared.values()
        assert len(prepared) == 4 and all(each.plan.check is None for each in prepared)
