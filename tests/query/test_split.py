"""`split`: a raw query string into shape and values."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onetrip.errors import BadRequest, Invalid, Problem, UriTooLong
from onetrip.query.ast import Slot
from onetrip.query.parser import filter_name, parse
from onetrip.query.split import MAX_LENGTH, Shape, Splitter, split, split_values
from onetrip.settings import Limits

_SPLIT: list[tuple[bytes, Shape, tuple[str, ...]]] = [
    (b"", (), ()),
    (b"&", (), ()),
    (b"&&a=1&&", (("a", Slot(0)),), ("1",)),
    (b"a=1", (("a", Slot(0)),), ("1",)),
    (b"a", (("a", Slot(0)),), ("",)),
    (b"a=", (("a", Slot(0)),), ("",)),
    (b"=1", (("", Slot(0)),), ("1",)),
    (b"=", (("", Slot(0)),), ("",)),
    (b"a=b=c", (("a", Slot(0)),), ("b=c",)),
    (b"a=1;b=2", (("a", Slot(0)),), ("1;b=2",)),
    (b"a+b=c+d", (("a b", Slot(0)),), ("c d",)),
    (b"a%2Bb=c%2Bd", (("a+b", Slot(0)),), ("c+d",)),
    (b"a%26b%3Dc=%26%3D", (("a&b=c", Slot(0)),), ("&=",)),
    (b"a=%25%34%31", (("a", Slot(0)),), ("%41",)),
    (b"na%C3%AFve=%F0%9F%9A%80", (("naïve", Slot(0)),), ("🚀",)),
    ("naïve=🚀".encode(), (("naïve", Slot(0)),), ("🚀",)),
    (b"limit=1&offset=2", (("limit", "1"), ("offset", Slot(0))), ("2",)),
    (
        b"sort=-id&a=1&include=x&b=2&fields=y",
        (("sort", "-id"), ("a", Slot(0)), ("include", "x"), ("b", Slot(1)), ("fields", "y")),
        ("1", "2"),
    ),
    (b"s%6Frt=id", (("sort", "id"),), ()),
    (b"sort", (("sort", ""),), ()),
    (b"sort=a+b%2Cc", (("sort", "a b,c"),), ()),
]


@pytest.mark.parametrize(("query", "shape", "values"), _SPLIT, ids=[case[0].decode() or "empty" for case in _SPLIT])
def test_a_query_string_has_a_shape_and_values(query: bytes, shape: Shape, values: tuple[str, ...]) -> None:
    """Names and the text of structural parameters make the shape, everything else is a value."""
    assert split(query) == (shape, values)


def test_values_do_not_change_the_shape() -> None:
    """Requests that differ in values only share a plan; those that differ in order, names or structure do not."""
    shape = split(b"a=1&offset=2&sort=id")[0]
    assert split(b"a=x&offset=99&sort=id")[0] == shape
    others = (b"b=1&offset=2&sort=id", b"a=1&offset=2&sort=-id", b"a=1&sort=id", b"offset=2&a=1&sort=id")
    assert all(split(other)[0] != shape for other in others)
    assert split(b"limit=1")[0] != split(b"limit=2")[0]


@pytest.mark.parametrize(
    "query",
    [
        b"a=%",
        b"a=%4",
        b"a=%4g",
        b"a=%zz",
        b"%=1",
        b"a=%ff",
        b"%ff=1",
        b"a=\xff",
        b"\xff",
        b"a=%C3",
        b"a=%C3&b=%A4",
        b"sort=%ff",
        b"a=%ED%A0%80",
        b"a=%C0%AF",
        b"a=%F5%80%80%80",
        b"=%ff",
        b"a=1&&b=%ff",
        b"a=%u0041",
        "a=ä".encode("latin-1"),
    ],
)
def test_bytes_that_cannot_be_read_are_a_400(query: bytes) -> None:
    """A broken escape and what is not UTF-8 are refused, wherever they stand."""
    with pytest.raises(BadRequest):
        split(query)


@pytest.mark.parametrize("query", [b"a=%00", b"a=x%00y", b"a%00b=1", b"%00", b"sort=%00", b"limit=1%00", b"a=\0"])
def test_nul_is_a_422(query: bytes) -> None:
    """No text of a database holds NUL, so none is looked for."""
    with pytest.raises(Invalid) as refused:
        split(query)
    assert [item.type for item in refused.value.errors] == ["nul"]
    assert "\0" not in str(refused.value.errors)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (b"a=1&a=1", ["a"]),
        (b"a&a", ["a"]),
        (b"a=1&%61=1", ["a"]),
        (b"sort=id&sort=id", ["sort"]),
        (b"=1&=2", [""]),
        (b"b=1&a=1&b=1&a=1&c=1&a=1", ["a", "b"]),
    ],
)
def test_repeated_parameters_are_named(query: bytes, names: list[str]) -> None:
    """Every name that stands more than once is named once."""
    with pytest.raises(Invalid) as refused:
        split(query)
    assert [(item.loc, item.type) for item in refused.value.errors] == [(("query", name), "repeated") for name in names]


def test_only_so_much_is_read() -> None:
    """The longest query string is read, one byte more is a 414 that says how long it was."""
    read = Splitter(Limits(value_length=MAX_LENGTH)).split
    assert read(b"a=" + b"x" * (MAX_LENGTH - 2))[1] == ("x" * (MAX_LENGTH - 2),)
    with pytest.raises(UriTooLong, match=str(MAX_LENGTH + 1)):
        read(b"a=" + b"x" * (MAX_LENGTH - 1))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", [""]),
        ("1", ["1"]),
        ("1,2", ["1", "2"]),
        (",", ["", ""]),
        ("a,", ["a", ""]),
        (",a", ["", "a"]),
        ('"a,b",c', ["a,b", "c"]),
        ('c,"a,b"', ["c", "a,b"]),
        ('""', [""]),
        ('""""', ['"']),
        ('"a""b",', ['a"b', ""]),
        ("a b, c", ["a b", " c"]),
        ('"\n"', ["\n"]),
        ("\r\n", ["\r\n"]),
        ("a'b", ["a'b"]),
        ('"",""', ["", ""]),
    ],
)
def test_a_list_of_values_is_split_at_its_commas(text: str, values: list[str]) -> None:
    """Quotes protect commas, and are written twice inside."""
    assert split_values(text) == values


@pytest.mark.parametrize("text", ['"', '"a', 'a"', 'a"b', '"a"b', '"a" ,b', '"""', 'a,"b', ' "a"', '"a"""b'])
def test_a_quote_out_of_place_is_refused(text: str) -> None:
    """Half a quotation is an error, not a guess."""
    with pytest.raises(ValueError, match="quote"):
        split_values(text)


@given(st.lists(st.text(), min_size=1))
def test_every_list_of_values_can_be_written(values: list[str]) -> None:
    """What is quoted by the rule comes back, whatever it holds."""
    assert split_values(",".join('"' + value.replace('"', '""') + '"' for value in values)) == values


@given(st.text(alphabet='",ab\n'))
def test_any_text_is_a_list_of_values_or_a_sentence(text: str) -> None:
    """Nothing but `ValueError` comes out."""
    try:
        values = split_values(text)
    except ValueError as error:
        assert str(error).startswith("has a quote")
    else:
        assert values


@pytest.mark.parametrize(
    ("column", "parameter"),
    [
        ("title", "title"),
        ("limit", "limit__eq"),
        ("count", "count__eq"),
        ("or", "or__eq"),
        ("Limit", "Limit"),
        ("a__b", "a__b"),
    ],
)
def test_a_column_with_a_reserved_name_is_filtered_by_its_operator_form(column: str, parameter: str) -> None:
    """A reserved name is never a filter, also one whose parameter comes later."""
    assert filter_name(column) == parameter


_PIECES = st.sampled_from(
    [
        b"sort",
        b"include",
        b"fields",
        b"limit",
        b"a",
        b"=",
        b"&",
        b"+",
        b"%",
        b"%00",
        b"%ff",
        b"%C3%A4",
        b",",
        b".",
        b"-",
        b":",
        b"nullsfirst",
        b"__",
        b"__eq",
        b"(",
        b")",
        b'"',
        b" ",
        b"\0",
        b"\xff",
        "ä".encode(),
    ]
)


@given(st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=30).map(b"".join)))
@example(b"include=" + b".".join([b"x"] * 5000))
@example(b"sort=" + b"-" * 5000)
def test_any_bytes_are_a_query_or_a_problem(query: bytes) -> None:
    """Nothing but a problem of the client's comes out of `split` and `parse`."""
    try:
        shape, values = split(query)
        parse(shape)
    except Problem as problem:
        assert problem.status in (400, 414, 422) and problem.detail
    else:
        assert sorted(_slots(shape)) == [*range(len(values))]


def _slots(written: Any) -> Iterator[int]:
    """Find every place of a value in a shape."""
    if isinstance(written, Slot):
        yield written.index
    elif isinstance(written, tuple):
        for part in written:
            yield from _slots(part)
    elif is_dataclass(written):
        for field in fields(written):
            yield from _slots(getattr(written, field.name))
