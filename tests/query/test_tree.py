"""Parentheses: trees of conditions, lists, and the options of embeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrip.errors import Invalid
from onetrip.query.ast import And, Compare, Condition, Constant, Embed, Not, Or, Query, Slot, Some, SortKey
from onetrip.query.parser import parse
from onetrip.query.split import split
from onetrip.query.tree import MAX_DEPTH, MAX_ENTRIES
from onetrip.settings import Limits


def read(text: str) -> tuple[Query, tuple[str, ...]]:
    shape, values = split(text.encode())
    return parse(shape), values


def compare(name: str, *slots: int, within: tuple[str, ...] = (), operator: str = "eq") -> Compare:
    parameter = name if operator == "eq" else f"{name}__{operator}"
    return Compare(tuple(name.split(".")), operator, tuple(map(Slot, slots)), parameter, within)


@pytest.mark.parametrize(
    ("text", "condition", "values"),
    [
        ("or=(a=1,b=2)", Or((compare("a", 0, within=("or",)), compare("b", 1, within=("or",)))), ("1", "2")),
        ("and=(a=1)", And((compare("a", 0, within=("and",)),)), ("1",)),
        ("not=(a=1)", Not(compare("a", 0, within=("not",))), ("1",)),
        (
            "not=(a=1,b=2)",
            Not(And((compare("a", 0, within=("not",)), compare("b", 1, within=("not",))))),
            ("1", "2"),
        ),
        (
            "or=(a.b__gt=1,not=(c=x),and=(d=y))",
            Or(
                (
                    compare("a.b", 0, within=("or",), operator="gt"),
                    Not(compare("c", 1, within=("or", "not"))),
                    And((compare("d", 2, within=("or", "and")),)),
                )
            ),
            ("1", "x", "y"),
        ),
        ('or=(a="x,(y)=""z""",b=)', Or((compare("a", 0, within=("or",)), compare("b", 1, within=("or",)))),
         ('x,(y)="z"', "")),
        ("or=(a=x=y, b = z )", Or((compare("a", 0, within=("or",)), compare("b", 1, within=("or",)))), ("x=y", " z ")),
        ("or=(id__in=(1,2,3))", Or((compare("id", 0, 1, 2, within=("or",), operator="in"),)), ("1", "2", "3")),
        ("a__in=1,2,3", compare("a", 0, 1, 2, 3, operator="in"), ("1", "2", "3", "3")),
        ("a__in=1&a__in=2", compare("a", 0, 1, operator="in"), ("1", "2")),
        ('a__not_in="x,y",z', compare("a", 0, 1, operator="not_in"), ("x,y", "z")),
        ("a__between=1,2,3", compare("a", 0, 1, 2, operator="between"), ("1", "2", "3")),
        ("a__is_null=true", Compare(("a",), "is_null", (Constant("true"),), "a__is_null"), ()),
        ("or=(a__exists=false)", Or((Compare(("a",), "exists", (Constant("false"),), "a__exists", ("or",)),)), ()),
        (
            "c=(a=1,b=2)",
            Some("c", And((compare("a", 1, within=("c",)), compare("b", 2, within=("c",)))), Slot(0)),
            ("(a=1,b=2)", "1", "2"),
        ),
        ("or=(c=(a=1))", Or((Some("c", And((compare("a", 0, within=("or", "c")),)), within=("or",)),)), ("1",)),
    ],
)  # fmt: skip
def test_conditions(text: str, condition: Condition, values: tuple[str, ...]) -> None:
    """Values become slots wherever they stand; what decides which statement runs stays."""
    query, found = read(text)
    assert (query.where, found) == ((condition,), values)


@pytest.mark.parametrize("text", ["title=(abc)", "title=(a=b", "title=(a=b))", "title=()", "title=((a=1)"])
def test_text_in_parentheses_may_be_text(text: str) -> None:
    """Whether a name is a relation, only the planner knows: what makes no sense as conditions can still be a value."""
    query, values = read(text)
    (condition,) = query.where
    found = condition.whole if isinstance(condition, Some) else condition.operands[0]  # type: ignore[union-attr]
    assert isinstance(found, Slot) and values[found.index] == text.removeprefix("title=")


def embed(name: str, **options: object) -> Embed:
    return Embed(name, Query(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "embeds", "values"),
    [
        ("include=c(limit=3)", (embed("c", limit=Constant("3")),), ()),
        ('include=c(limit="3",offset=4)', (embed("c", limit=Constant("3"), offset=Slot(0)),), ("4",)),
        (
            "include=a,c(limit=3,sort=-id,fields=(id,body)).b",
            (
                embed("a"),
                embed("c", limit=Constant("3"), sort=(SortKey(("id",), True),), fields=(("id",), ("body",)),
                      include=(embed("b"),)),
            ),
            (),
        ),
        ("include=c(d=1,or=(e=2,f=3)),c.b", (
            embed("c", where=(
                compare("d", 0, within=("include", "c")),
                Or((compare("e", 1, within=("include", "c", "or")), compare("f", 2, within=("include", "c", "or")))),
            ), include=(embed("b"),)),
        ), ("1", "2", "3")),
        ("include=c(include=(a,b(limit=1)))", (embed("c", include=(embed("a"), embed("b", limit=Constant("1")))),), ()),
        ("include=c(include=a)", (embed("c", include=(embed("a"),)),), ()),
        ("include=a.b.c(x__in=(1,2)).d", (
            embed("a", include=(embed("b", include=(embed("c", include=(embed("d"),), where=(
                compare("x", 0, 1, within=("include", "a", "b", "c"), operator="in"),
            )),)),)),
        ), ("1", "2")),
    ],
)  # fmt: skip
def test_options_of_embeds(text: str, embeds: tuple[Embed, ...], values: tuple[str, ...]) -> None:
    """Options are the parameters of the relation's own list."""
    query, found = read(text)
    assert (query.include, found) == (embeds, values)


@pytest.mark.parametrize(
    ("text", "loc", "kind"),
    [
        ("or=a=1", ("or",), "syntax"),
        ("or=", ("or",), "syntax"),
        ("or=()", ("or",), "syntax"),
        ("or=(a=1", ("or",), "syntax"),
        ("or=(a=1))", ("or",), "syntax"),
        ("or=(a)", ("or",), "syntax"),
        ("or=(a=1,)", ("or",), "syntax"),
        ('or=(a="x)', ("or",), "syntax"),
        ('or=(a=x"y)', ("or",), "syntax"),
        ("or=(a=f(x))", ("or",), "syntax"),
        ("or=(sort=a)", ("or", "sort"), "syntax"),
        ("or=(limit=1)", ("or", "limit"), "syntax"),
        ("or=(not=1)", ("or", "not"), "syntax"),
        ("or=(id__in=(a=1))", ("or", "id__in"), "syntax"),
        ("or=" + "(and=" * MAX_DEPTH + "(a=1" + ")" * (MAX_DEPTH + 1), ("or",), "syntax"),
        ("or=(" + ",".join(["a=1"] * (MAX_ENTRIES + 1)) + ")", ("or",), "syntax"),
        ("a__in=" + ",".join("1" * (Limits().values + 1)), ("a__in",), "too_many"),
        ('a__in="x', ("a__in",), "syntax"),
        ("include=c(limit=1", ("include",), "syntax"),
        ("include=c(limit=1)x", ("include",), "syntax"),
        ("include=c()", ("include", "c"), "syntax"),
        ("include=c(id,body)", ("include", "c"), "syntax"),
        ("include=c(limit=1,limit=2)", ("include", "c"), "syntax"),
        ("include=c(limit=1),c(limit=2)", ("include",), "repeated"),
        ("include=c(limit=1).", ("include",), "syntax"),
        ("include=.c(limit=1)", ("include",), "syntax"),
        ("include=c(sort=(a(b)))", ("include",), "syntax"),
        ("include=c(sort=)", ("include", "c", "sort"), "empty"),
        ("include=b.c(fields=(a..b))", ("include", "b", "c", "fields"), "syntax"),
        ("include=c(count=x)", ("include", "c", "count"), "value_error"),
        ("include=c(include=d(sort=a:b))", ("include", "c", "d", "sort"), "syntax"),
        ("include=c(limit=(3))", ("include",), "syntax"),
        ('include=c(limit="3)', ("include",), "syntax"),
        ("include=c(offset=(3))", ("include", "c", "offset"), "syntax"),
        ("include=b.c(q=(a=1))", ("include", "b", "c", "q"), "syntax"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused(text: str, loc: tuple[str, ...], kind: str) -> None:
    """The problem names the parameter and the place."""
    with pytest.raises(Invalid) as refused:
        read(text)
    (item,) = refused.value.errors
    assert (item.loc, item.type) == (("query", *loc), kind)
    assert len(item.msg) < 300


_NAMES = st.sampled_from(["a", "a.b", "a__gt", "or", "not", "c"])
_TREES = st.recursive(
    st.tuples(_NAMES, st.text('ab,()"=. ', max_size=8)),
    lambda inner: st.tuples(st.sampled_from(["or", "and", "not", "c"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


def write(tree: object) -> str:
    name, value = tree  # type: ignore[misc]
    if isinstance(value, list):
        return f"{name}=({','.join(map(write, value))})"
    quoted = value.replace('"', '""')
    return f'x.{name}="{quoted}"'


def leaves(tree: object) -> list[str]:
    _, value = tree  # type: ignore[misc]
    return [leaf for inner in value for leaf in leaves(inner)] if isinstance(value, list) else [value]


@given(_TREES.filter(lambda tree: isinstance(tree[1], list)))
def test_any_tree_that_is_written_is_read(tree: object) -> None:
    """Quoted values come back as they were, in their order."""
    shape, values = split(("and=(" + write(tree) + ")").replace("+", "%2B").encode())
    parse(shape)
    assert list(values) == leaves(tree)
