"""The parameters of groups, as they are read: syntax alone."""

import pytest

from onetrip.errors import Invalid
from onetrip.query.aggregate import (
    STRUCTURAL,
    Aggregate,
    AggregateQuery,
    GroupKey,
    GroupSort,
    filter_name,
    parse_aggregate,
)
from onetrip.query.ast import And, Compare, Constant, Not, Or, Slot
from onetrip.query.split import split


def parsed(query: str) -> AggregateQuery:
    return parse_aggregate(split(query.encode(), STRUCTURAL)[0])


def having(parameter: str, operator: str, *slots: int, within: tuple[str, ...] = ()) -> Compare:
    path = tuple(parameter.removesuffix(f"__{operator}").split("."))
    return Compare(path, operator, tuple(map(Slot, slots)), parameter, ("having", *within))


def test_nothing_counts_rows() -> None:
    """A group alone is an answer; without one there is something to count."""
    assert parsed("") == AggregateQuery(aggregates=(Aggregate("count"),))
    assert parsed("group=id") == AggregateQuery(groups=(GroupKey(("id",)),))


def test_names_are_those_of_the_answer() -> None:
    """Paths, spans, and the star of rows, in the order in which they are asked for."""
    query = parsed("sum=views,author.score&count=*,bio&group=author.name,created_at:month")
    assert [key.name for key in query.groups] == ["author.name", "created_at:month"]
    assert [each.name for each in query.aggregates] == ["sum.views", "sum.author.score", "count", "count.bio"]
    assert query.groups[1] == GroupKey(("created_at",), "month")


def test_a_sort_key_is_a_name_of_the_answer() -> None:
    """It may hold dots, and a colon of its own before that of NULL."""
    query = parsed("sort=-sum.views,created_at:month,-created_at:day:nullsfirst,count:nullslast")
    assert query.sort == (
        GroupSort("sum.views", True),
        GroupSort("created_at:month"),
        GroupSort("created_at:day", True, "first"),
        GroupSort("count", nulls="last"),
    )


def test_conditions_on_groups_are_a_tree() -> None:
    """As those of `or`; `count` is a name here, and no parameter; values stay out of the shape."""
    first, second = (
        split(f"having=(count={count},or=(sum.views__gte=1,not=(count__in=(1,{count}))))".encode(), STRUCTURAL)
        for count in (2, 3)
    )
    assert first[0] == second[0] and first[1] != second[1]
    assert parse_aggregate(first[0]).having == (
        having("count__eq", "eq", 1),
        Or((
            having("sum.views__gte", "gte", 2, within=("or",)),
            Not(having("count__in", "in", 3, 4, within=("or", "not"))),
        )),
    )  # fmt: skip
    null = Compare(("avg", "x"), "is_null", (Constant("true"),), "avg.x__is_null", ("having", "and"))
    assert parsed("having=(and=(avg.x__is_null=true))").having == (And((null,)),)


def test_filters_are_those_of_lists() -> None:
    """Trees, lists, words and pages as well; columns that are called like a parameter have their operators."""
    query = parsed("author.name=x&or=(a=1,b=2)&sum__gt=3&q=words&limit=5&offset=6&id__in=1,2,3")
    names = [condition.parameter for condition in query.where if isinstance(condition, Compare)]
    assert names == ["author.name", "sum__gt", "id__in"]
    assert isinstance(query.where[1], Or)
    assert None not in (query.search, query.limit, query.offset)
    assert [filter_name(name) for name in ("views", "sum", "limit", "having")] == [
        "views", "sum__eq", "limit__eq", "having__eq",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "loc", "type"),
    [
        ("group=", "group", "empty"),
        ("group=a,,b", "group", "syntax"),
        ("group=a,a", "group", "repeated"),
        ("group=a..b", "group", "syntax"),
        ("group=:month", "group", "syntax"),
        ("count=", "count", "empty"),
        ("sort=", "sort", "empty"),
        ("sum=a&sum=b", "sum", "repeated"),
        ("having=", "having", "syntax"),
        ("having=count", "having", "syntax"),
        ("having=()", "having", "syntax"),
        ("having=(count__gt=1", "having", "syntax"),
        ("having=(count__gt=(1,2)", "having", "syntax"),
        ("having=(or=1)", "or", "syntax"),
        ("having=(include=x)", "include", "syntax"),
        ("having=(((((((((((a=1)))))))))))", "having", "syntax"),
        ("fields=id", "fields", "unknown_parameter"),
        ("include=a(b=1)", "include", "unknown_parameter"),
        ("after=x", "after", "unknown_parameter"),
        ("before=x", "before", "unknown_parameter"),
    ],
)
def test_what_is_not_of_the_grammar(query: str, loc: str, type: str) -> None:
    """It is refused by the name of its parameter."""
    with pytest.raises(Invalid) as refused:
        parsed(query)
    (error,) = refused.value.errors
    assert (error.loc[-1], error.type) == (loc, type)
