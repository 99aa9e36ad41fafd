"""`parse`: a shape into a `Query`."""

import pytest

from onetrip.errors import Invalid
from onetrip.query.ast import Compare, Constant, Embed, Query, Slot, SortKey
from onetrip.query.parser import MAX_NAMES, parse
from onetrip.query.split import split


def _parsed(text: str) -> Query:
    return parse(split(text.encode())[0])


def _embeds(*names: str | tuple[str, Query]) -> tuple[Embed, ...]:
    return tuple(Embed(name, Query()) if isinstance(name, str) else Embed(*name) for name in names)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("limit=1&offset=2", Query(limit=Constant("1"), offset=Slot(0))),
        ("offset=2&limit=1", Query(limit=Constant("1"), offset=Slot(0))),
        (
            "a=1&sort=id&b=2&limit=3",
            Query(
                where=(Compare(("a",), "eq", (Slot(0),), "a"), Compare(("b",), "eq", (Slot(1),), "b")),
                sort=(SortKey(("id",)),),
                limit=Constant("3"),
            ),
        ),
        (
            "sort=a,-b.c,d:nullsfirst,-e:nullslast",
            Query(
                sort=(
                    SortKey(("a",)),
                    SortKey(("b", "c"), descending=True),
                    SortKey(("d",), nulls="first"),
                    SortKey(("e",), descending=True, nulls="last"),
                )
            ),
        ),
        ("sort=%20a%20,%20-b", Query(sort=(SortKey(("a",)), SortKey(("b",), descending=True)))),
        ("fields=b,a.c", Query(fields=(("b",), ("a", "c")))),
        ("include=a", Query(include=_embeds("a"))),
        ("include=a,b", Query(include=_embeds("a", "b"))),
        ("include=a.b", Query(include=_embeds(("a", Query(include=_embeds("b")))))),
        (
            "include=a,a.b,c,a.d.e",
            Query(include=_embeds(("a", Query(include=_embeds("b", ("d", Query(include=_embeds("e")))))), "c")),
        ),
    ],
)
def test_a_shape_is_a_query(text: str, query: Query) -> None:
    """Parameters become what they say, with slots for their values."""
    assert _parsed(text) == query


@pytest.mark.parametrize(
    ("parameter", "path", "operator"),
    [
        ("a", ("a",), "eq"),
        ("a.b", ("a", "b"), "eq"),
        ("a__gt", ("a",), "gt"),
        ("a.b__gt", ("a", "b"), "gt"),
        ("a__b__gt", ("a__b",), "gt"),
        ("a__", ("a",), ""),
        ("__gt", ("__gt",), "eq"),
        ("_a", ("_a",), "eq"),
        ("a_", ("a_",), "eq"),
        ("a.", ("a", ""), "eq"),
        ("", ("",), "eq"),
        ("limit__eq", ("limit",), "eq"),
        ("count__eq", ("count",), "eq"),
    ],
)
def test_a_filter_is_a_path_and_an_operator(parameter: str, path: tuple[str, ...], operator: str) -> None:
    """Whether they exist is for the planner; a parameter of later gets there too, to be refused by name."""
    assert _parsed(f"{parameter}=1").where == (Compare(path, operator, (Slot(0),), parameter),)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sort=", "empty"),
        ("fields=", "empty"),
        ("include=", "empty"),
        ("sort", "empty"),
        ("include=%20%20", "empty"),
        ("sort=,", "syntax"),
        ("sort=a,,b", "syntax"),
        ("fields=,a", "syntax"),
        ("include=a,", "syntax"),
        ("sort=-", "syntax"),
        ("sort=a.", "syntax"),
        ("fields=.a", "syntax"),
        ("include=a..b", "syntax"),
        ("fields=.", "syntax"),
        ("sort=a:", "syntax"),
        ("sort=a:first", "syntax"),
        ("sort=:nullsfirst", "syntax"),
        ("sort=a:nullsfirst:x", "syntax"),
        ("sort=a,a", "repeated"),
        ("sort=-a,b,-a", "repeated"),
        ("fields=a,a", "repeated"),
        ("include=a.b,a.b", "repeated"),
        ("include=a,%20a", "repeated"),
        ("fields=" + ".".join("a" * (MAX_NAMES + 1)), "too_deep"),
        ("include=" + ".".join("a" * 5000), "too_deep"),
        ("sort=" + ".".join("a" * 5000), "too_deep"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused(text: str, kind: str) -> None:
    """The problem names the parameter, says what is wrong, and does not repeat pages of input."""
    with pytest.raises(Invalid) as refused:
        _parsed(text)
    (item,) = refused.value.errors
    assert (item.loc, item.type) == (("query", text.partition("=")[0]), kind)
    assert len(item.msg) < 300


def test_the_longest_path_is_read() -> None:
    """A path of as many names as a path may have is for the planner to judge."""
    assert len((_parsed("fields=" + ".".join("a" * MAX_NAMES)).fields or ())[0]) == MAX_NAMES
