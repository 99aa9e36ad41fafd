"""What is read of a body: its media type, its bytes, its JSON, and what is said of one that is not valid."""

import asyncio
import json
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, TypeAdapter, ValidationError

from onetrip.errors import BadRequest, BodyTooLarge, ErrorItem, Invalid, UnsupportedMediaType
from onetrip.http.body import MAX_DEPTH, MAX_ITEMS, body_problem, check_media_type, load_json, read_body
from onetrip.http.problems import render

JSON = frozenset({b"application/json"})
PATCHES = frozenset({b"application/json", b"application/merge-patch+json"})


# Bytes


def received(*messages: dict[str, Any], length: bytes | None = None, limit: int = 10) -> tuple[bytes, int]:
    """Read a body of these messages. Answers it, and how many of them were taken."""
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return messages[taken - 1]

    headers = [(b"host", b"test")] + ([] if length is None else [(b"content-length", length)])
    return asyncio.run(read_body({"type": "http", "headers": headers}, receive, limit=limit)), taken  # type: ignore[arg-type]


def chunk(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        ([chunk(b"")], b""),
        ([{"type": "http.request"}], b""),
        ([chunk(b"0123456789")], b"0123456789"),
        ([chunk(b"01", True), chunk(b"", True), chunk(b"23")], b"0123"),
        ([chunk(b"01", True), {"type": "http.request"}], b"01"),
    ],
)
def test_a_body_is_all_of_its_chunks(messages: list[dict[str, Any]], body: bytes) -> None:
    """Whatever its chunks are, it is read to its end, and as long as the limit."""
    assert received(*messages) == (body, len(messages))


@pytest.mark.parametrize("length", [b"11", b"9" * 5000])
def test_a_length_that_is_too_large_is_refused_unread(length: bytes) -> None:
    """`Content-Length` is believed when it is too large: nothing is received."""
    with pytest.raises(BodyTooLarge, match="more than 10 bytes"):
        received(length=length)


@pytest.mark.parametrize("length", [None, b"3", b"x", b"\xb2"])
def test_a_body_that_becomes_too_large_is_refused(length: bytes | None) -> None:
    """No more is read than needed to know, whatever `Content-Length` says."""
    with pytest.raises(BodyTooLarge, match="more than 10 bytes"):
        received(chunk(b"012345", True), chunk(b"6789a", True), length=length)


def test_a_client_that_goes_away_ends_the_reading() -> None:
    """A body without its end is no body."""
    with pytest.raises(BadRequest, match="closed"):
        received(chunk(b"01", True), {"type": "http.disconnect"})


# Media types


@pytest.mark.parametrize(
    "sent",
    [
        b"application/json", b"application/merge-patch+json", b"APPLICATION/Json", b"application/json;charset=utf-8",
        b'application/json; Charset="UTF-8"', b"application/json ; charset=UTF8", b"application/json;profile=x;",
    ],
)  # fmt: skip
def test_accepted_media_types(sent: bytes) -> None:
    """Letter case, UTF-8 by any of its names and other parameters do not matter."""
    check_media_type([(b"content-encoding", b"identity"), (b"content-type", sent)], PATCHES, "PATCH")


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ([], "A body without 'Content-Type' is not read here."),
        ([b""], "A body without 'Content-Type' is not read here."),
        ([b"text/plain"], "A body of type 'text/plain' is not read here."),
        (
            [b"application/x-www-form-urlencoded"],
            "A body of type 'application/x-www-form-urlencoded' is not read here.",
        ),
        ([b"application/jsonx"], "A body of type 'application/jsonx' is not read here."),
        ([b"application/vnd.x+json"], "A body of type 'application/vnd.x+json' is not read here."),
        ([b"application/merge-patch+json"], "A body of type 'application/merge-patch+json' is not read here."),
        ([b"application/json", b"text/plain"], "A body of type 'application/json,text/plain' is not read here."),
        ([b";"], "A body of type ';' is not read here."),
        ([b"\xff" * 500], f"A body of type '{'ÿ' * 100}' is not read here."),
        ([b"application/json;charset=utf-16"], "A body in another encoding than UTF-8 is not read here."),
        ([b"application/json;charset="], "A body in another encoding than UTF-8 is not read here."),
    ],
)
def test_refused_media_types(sent: list[bytes], detail: str) -> None:
    """The answer says what was sent, and what to send."""
    with pytest.raises(UnsupportedMediaType) as caught:
        check_media_type([(b"content-type", value) for value in sent], JSON, "POST")
    assert caught.value.detail == detail
    assert caught.value.hint == "Send 'Content-Type: application/json'."
    assert caught.value.headers == {"Accept-Post": "application/json"}


@pytest.mark.parametrize(("method", "header"), [("PATCH", "Accept-Patch"), ("POST", "Accept-Post"), ("PUT", "Accept")])
def test_a_refusal_names_all_types_in_the_header_of_the_method(method: str, header: str) -> None:
    """RFC 5789 §2.2 has a header for PATCH, others have others."""
    with pytest.raises(UnsupportedMediaType) as caught:
        check_media_type([], PATCHES, method)
    assert caught.value.hint == "Send 'Content-Type: application/json' or 'application/merge-patch+json'."
    assert caught.value.headers == {header: "application/json, application/merge-patch+json"}


def test_a_compressed_body_is_refused_as_such() -> None:
    """Not as bytes that are no UTF-8."""
    headers = [(b"content-type", b"application/json"), (b"content-encoding", b"GZIP")]
    with pytest.raises(UnsupportedMediaType, match="compressed") as caught:
        check_media_type(headers, JSON, "POST")
    assert caught.value.headers == {"Accept-Encoding": "identity"}


# JSON


def nested(depth: int, inner: str = "1") -> bytes:
    """Arrays and objects in turn, so deep."""
    opened = "".join(("[", '{"a":')[level % 2] for level in range(depth))
    closed = "".join(("]", "}")[level % 2] for level in reversed(range(depth)))
    return (opened + inner + closed).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"{}", b"[]", b"null", b' {"a" : [1, -2.5e3, "x", true, null]}\r\n\t ', '{"é": "\U0001f600"}'.encode(), b"-0",
        rb'{"a": "\u00e9\ud83d\ude00 \\u0000 \\ud800 \n"}', rb'{"\ud83d\ude00": 1}', b'{"a": {"a": 1}, "b": {"a": 1}}',
        b"1" + b"0" * 400, b"1" * 4300, b"-" + b"1" * 4300, b"1.7976931348623157e308", b"1e-400", b"0." + b"1" * 5000,
        "\"\ufeff\"".encode(), b'"\x7f"', nested(MAX_DEPTH), nested(MAX_DEPTH, json.dumps("[{" * 5000)),
        json.dumps([{"a": ["]", "\\\"[{"]}] * 500).encode(), b"[" + nested(40) + b"," + nested(40) + b"]",
    ],
)  # fmt: skip
def test_json_is_read_as_it_is(raw: bytes) -> None:
    """What is unambiguous JSON has the value that the standard library gives it."""
    assert load_json(raw) == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\xc3"}', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),  # a surrogate that was encoded
        (b'"\xc0\x80"', "UTF-8"),  # an overlong NUL
        (b"\x1f\x8b\x08", "UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-8"),
        ('{"a": 1}'.encode("utf-16-be"), "UTF-8"),
        ('{"a": 1}'.encode("utf-32"), "UTF-8"),
        ('{"a": 1}'.encode("utf-32-le"), "UTF-8"),
        ('{"a": 1}'.encode("utf-32-be"), "UTF-8"),
        (nested(MAX_DEPTH + 1), "64 deep"),
        (nested(5000), "64 deep"),
        (b"[" * 500_000, "64 deep"),
        (b'{"a":' * 100_000, "64 deep"),
        (b'["]]]",' * 5000, "64 deep"),
        (b"[" + nested(MAX_DEPTH) + b"]", "64 deep"),
        (nested(MAX_DEPTH + 1, "[]"), "64 deep"),
        (nested(MAX_DEPTH + 1, json.dumps("]}" * 5000)), "64 deep"),
        (nested(5000, "NaN"), "64 deep"),
        (nested(MAX_DEPTH + 1, "NaN"), "64 deep"),
    ],
)
def test_bytes_that_cannot_be_read(raw: bytes, detail: str) -> None:
    """They are a 400, and no recursion of a parser ends in a 5xx."""
    with pytest.raises(BadRequest, match=detail):
        load_json(raw)


@pytest.mark.parametrize("raw", [b"", b" \r\n\t"])
def test_an_empty_body_is_missing(raw: bytes) -> None:
    """It is said as such, not as a mistake in JSON."""
    with pytest.raises(Invalid) as caught:
        load_json(raw)
    assert caught.value.errors == (ErrorItem(("body",), "The body is empty.", "missing"),)


@pytest.mark.parametrize(
    ("raw", "position", "where"),
    [
        (b"{", 1, "line 1, column 2: expecting property name enclosed in double quotes"),
        (b'{"a": }', 6, "line 1, column 7: expecting value"),
        (b'{\n"a": 1 "b": 2}', 9, "line 2, column 8: expecting ',' delimiter"),
        (b"{} {}", 3, "line 1, column 4: extra data"),
        (b'{"a": "\n"}', 7, "line 1, column 8: invalid control character"),
        (b'{"a": "\x00"}', 7, "line 1, column 8: invalid control character"),
        (b'"', 0, "line 1, column 1: unterminated string starting"),
        ('["é", x]'.encode(), 6, "line 1, column 7: expecting value"),
        (b'{"a": 1, "a": 2', 15, "line 1, column 16: expecting ',' delimiter"),
        (b'[NaN, {"a": 1, "a": 2}', 22, "line 1, column 23: expecting ',' delimiter"),
        (b"a=1&b=2", 0, "line 1, column 1: expecting value"),
        (b"'a'", 0, "line 1, column 1: expecting value"),
        (b"// a\n1", 0, "line 1, column 1: expecting value"),
        (b"01", 1, "line 1, column 2: extra data"),
        (b"+1", 0, "line 1, column 1: expecting value"),
        (b"[" * 70 + b"}", 70, "line 1, column 71: expecting value"),
        (b"}" * 70 + b"{" * 3, 0, "line 1, column 1: expecting value"),
        (b'[{"a": 1},' * 60, 600, "line 1, column 601: expecting value"),
        (b'"a" ' + b"[" * 5000, 4, "line 1, column 5: extra data"),
    ],
)  # fmt: skip
def test_what_is_not_json(raw: bytes, position: int, where: str) -> None:
    """It is a 422 at its position, as FastAPI says it."""
    with pytest.raises(Invalid) as caught:
        load_json(raw)
    msg = f"The body is not valid JSON at {where}."
    assert caught.value.errors == (ErrorItem(("body", position), msg, "json_invalid"),)


@pytest.mark.parametrize(
    ("raw", "loc", "msg", "type_"),
    [
        (b'{"a": 1, "b": 2, "a": 1}', ("a",), "'a' is given twice.", "repeated"),
        (rb'{"a": 1, "\u0061": 1}', ("a",), "'a' is given twice.", "repeated"),
        (b'[{}, {"x": {"y": 1, "y": 2}}]', (1, "x", "y"), "'[1].x.y' is given twice.", "repeated"),
        (b'{"a": NaN}', ("a",), "'a' must be a finite number, and NaN is not JSON.", "finite_number"),
        (b"Infinity", (), "The body must be a finite number, and Infinity is not JSON.", "finite_number"),
        (
            nested(MAX_DEPTH, "1e400"), (0, "a") * (MAX_DEPTH // 2),
            f"'{'[0].a' * (MAX_DEPTH // 2)}' is too large for a number with a fraction.", "out_of_range",
        ),
        (b"[1, -Infinity]", (1,), "'[1]' must be a finite number, and -Infinity is not JSON.", "finite_number"),
        (b'{"a": 1e400}', ("a",), "'a' is too large for a number with a fraction.", "out_of_range"),
        (b'{"a": -1' + b"0" * 400 + b".0}", ("a",), "'a' is too large for a number with a fraction.", "out_of_range"),
        (b'{"a": 1' + b"0" * 4300 + b"}", ("a",), "'a' has too many digits.", "out_of_range"),
        (rb'{"a": "x\u0000y"}', ("a",), "'a' must not contain NUL characters.", "nul"),
        (rb'{"a": ["\u0000"]}', ("a", 0), "'a[0]' must not contain NUL characters.", "nul"),
        (rb'{"a\u0000": 1}', ("a\ufffd",), "'a\ufffd' is a key that must not contain NUL characters.", "nul"),
        (rb'{"a": "\ud800"}', ("a",), "'a' must not contain half of a surrogate pair.", "string_unicode"),
        (rb'{"a": "\uDE00\uD83D"}', ("a",), "'a' must not contain half of a surrogate pair.", "string_unicode"),
        (
            rb'{"\uDFFF": 1}', ("\ufffd",), "'\ufffd' is a key that must not contain half of a surrogate pair.",
            "string_unicode",
        ),
        (b'{"' + b"k" * 9999 + b'": NaN}', ("k" * 100,),
         f"'{'k' * 100}' must be a finite number, and NaN is not JSON.", "finite_number"),
    ],
)  # fmt: skip
def test_json_that_is_ambiguous_or_cannot_be_stored(raw: bytes, loc: tuple[Any, ...], msg: str, type_: str) -> None:
    """It is a 422 that names the place, never the value; and the answer itself can be written."""
    with pytest.raises(Invalid) as caught:
        load_json(raw)
    assert caught.value.errors == (ErrorItem(("body", *loc), msg, type_),)
    assert json.loads(render(caught.value)[0])["errors"][0]["loc"] == ["body", *loc]


def test_everything_that_is_wrong_with_json_is_listed() -> None:
    """In the order of the text, and at most twenty."""
    with pytest.raises(Invalid) as caught:
        load_json(rb'{"a": NaN, "b": ["\u0000\ud800", 1e999], "a": {"c": 1, "c": 2}}')
    assert [item.loc[1:] for item in caught.value.errors] == [("a",), ("b", 0), ("b", 0), ("b", 1), ("a",), ("a", "c")]
    with pytest.raises(Invalid) as caught:
        load_json(b"[" + b"NaN," * 1000 + b"1]")
    assert len(caught.value.errors) == MAX_ITEMS


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_json, st.booleans())
def test_json_that_was_written_is_read(value: Any, escaped: bool) -> None:
    """Whatever can be written as JSON is read as what it was, unless it holds NUL."""
    raw = json.dumps(value, ensure_ascii=escaped).encode()
    if rb"\u0000" in raw.replace(rb"\\", b""):
        with pytest.raises(Invalid):
            load_json(raw)
    else:
        assert load_json(raw) == value


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:\\u0d8aeN1.-\0', max_size=80).map(str.encode))
def test_no_bytes_fail(raw: bytes) -> None:
    """They are read, or refused, and Pydantic's parser takes what is read."""
    try:
        load_json(raw)
    except (BadRequest, Invalid) as problem:
        json.loads(render(problem)[0])
    else:
        pydantic.TypeAdapter(Any).validate_json(raw)


# Validation


class Detail(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: str = ""


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=1, max_length=5)]
    count: Annotated[int, Field(ge=0)] = 0
    price: Annotated[Decimal, Field(max_digits=4)] = Decimal(0)
    ratio: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    done: bool = False
    at: AwareDatetime | None = None
    local: NaiveDatetime | None = None
    kind: Literal["a", "b"] = "a"
    owner_name: Annotated[str, Field(alias="ownerName")] = ""
    ref: UUID | None = None
    tags: list[str] = []
    detail: Detail | None = None
    odd: Any = None

    @pydantic.field_validator("odd")
    @classmethod
    def even(cls, value: Any) -> Any:
        if value == "odd":
            raise ValueError("Odd things are not taken.")
        return value


def refused(sent: Any, adapter: TypeAdapter[Any] | None = None, **options: Any) -> Invalid:
    """Validate as JSON and say what is wrong."""
    with pytest.raises(ValidationError) as caught:
        (adapter or TypeAdapter(Item)).validate_json(json.dumps(sent))
    return body_problem(caught.value, Item, **options)


@pytest.mark.parametrize(
    ("sent", "loc", "msg", "type_"),
    [
        ({}, ("title",), "'title' is required.", "missing"),
        (None, (), "The body must be an object.", "model_type"),
        ([], (), "The body must be an object.", "model_type"),
        ("secret", (), "The body must be an object.", "model_type"),
        ({"title": None}, ("title",), "'title' must be text.", "string_type"),
        ({"title": ""}, ("title",), "'title' must have at least 1 character.", "string_too_short"),
        ({"title": "secret"}, ("title",), "'title' must have at most 5 characters.", "string_too_long"),
        ({"count": "secret"}, ("count",), "'count' must be a whole number.", "int_parsing"),
        ({"count": 1.5}, ("count",), "'count' must be a whole number.", "int_from_float"),
        ({"count": []}, ("count",), "'count' must be a whole number.", "int_type"),
        ({"count": -1}, ("count",), "'count' must be greater than or equal to 0.", "greater_than_equal"),
        ({"price": "secret"}, ("price",), "'price' must be a valid decimal.", "decimal_parsing"),
        ({"price": 12345}, ("price",), "'price' must have no more than 4 digits in total.", "decimal_max_digits"),
        ({"ratio": "secret"}, ("ratio",), "'ratio' must be a number.", "float_parsing"),
        ({"ratio": "nan"}, ("ratio",), "'ratio' must be a finite number.", "finite_number"),
        ({"ratio": 10**400}, ("ratio",), "'ratio' must be a finite number.", "finite_number"),
        ({"done": "secret"}, ("done",), "'done' must be true or false.", "bool_parsing"),
        ({"at": "2026-01-01T00:00:00"}, ("at",), "'at' needs an offset: add 'Z' for UTC.", "timezone_aware"),
        (
            {"local": "2026-01-01T00:00:00Z"},
            ("local",), "'local' is a local time: leave out the offset and 'Z'.", "timezone_naive",
        ),
        (
            {"at": "secret"}, ("at",), "'at' must be a valid datetime or date, input is too short.",
            "datetime_from_date_parsing",
        ),
        ({"kind": "secret"}, ("kind",), "'kind' must be 'a' or 'b'.", "literal_error"),
        ({"ref": "Zsecret"}, ("ref",), "'ref' must be a UUID.", "uuid_parsing"),
        ({"tags": "secret"}, ("tags",), "'tags' must be an array.", "list_type"),
        ({"tags": ["x", 7]}, ("tags", 1), "'tags[1]' must be text.", "string_type"),
        ({"ownerName": 7}, ("ownerName",), "'ownerName' must be text.", "string_type"),
        ({"detail": {"note": 7}}, ("detail", "note"), "'detail.note' must be text.", "string_type"),
        ({"odd": "odd"}, ("odd",), "'odd' is not valid: Odd things are not taken.", "value_error"),
    ],
)  # fmt: skip
def test_errors_of_pydantic_are_said(sent: Any, loc: tuple[Any, ...], msg: str, type_: str) -> None:
    """Each is a sentence about a place, with Pydantic's type, and without the value."""
    whole = {"title": "x", **sent} if isinstance(sent, dict) and sent else sent
    problem = refused(whole)
    assert problem.errors == (ErrorItem(("body", *loc), msg, type_),)
    assert problem.hint is None
    assert b"secret" not in render(problem)[0]


@pytest.mark.parametrize(
    ("sent", "loc", "hint"),
    [
        ({"title": "x", "titel": 1}, ("titel",), "Did you mean 'title'?"),
        ({"title": "x", "owner_name": "y"}, ("owner_name",), "Did you mean 'ownerName'?"),
        (
            {"title": "x", "zzzzz": 1},
            ("zzzzz",),
            "There are: at, count, detail, done, kind, local, odd, ownerName, price, ratio, ref, tags, title.",
        ),
        ({"title": "x", "detail": {"titel": 1}}, ("detail", "titel"), None),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest_name(sent: Any, loc: tuple[str, ...], hint: str | None) -> None:
    """A key that the model does not know is an unknown field; names are those that clients write."""
    problem = refused(sent)
    assert [(item.loc, item.type) for item in problem.errors] == [(("body", *loc), "unknown_field")]
    assert problem.errors[0].msg == f"'{'.'.join(loc)}' is not a field that can be set here."
    assert problem.hint == hint


def test_rows_of_an_array_are_named_by_their_index() -> None:
    """Wherever they are wrong, also in a key."""
    problem = refused([{"title": "x"}, {"titel": "x"}], TypeAdapter(list[Item]))
    assert [item.loc for item in problem.errors] == [("body", 1, "title"), ("body", 1, "titel")]
    assert problem.detail == "'[1].title' is required. There is 1 more error."
    assert problem.hint == "Did you mean 'title'?"


def test_a_prefix_says_where_the_body_is() -> None:
    """A row that is validated by itself keeps its index."""
    assert refused({}, prefix=("body", 3)).errors[0].loc == ("body", 3, "title")


def test_keys_of_a_hostile_length_and_number_are_cut() -> None:
    """An answer stays small whatever is sent."""
    problem = refused({"title": "x"} | {f"{number}{'k' * 10_000}": 1 for number in range(50)})
    assert len(problem.errors) == MAX_ITEMS
    assert len(render(problem)[0]) < 20_000


def test_a_tag_is_not_repeated() -> None:
    """Pydantic's own sentence about the tag of a union holds the value that was sent."""

    class A(BaseModel):
        kind: Literal["a"]

    class B(BaseModel):
        kind: Literal["b"]

    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[A | B, Field(discriminator="kind")])
    problem = refused({"kind": "secret"}, adapter)
    assert [item.type for item in problem.errors] == ["union_tag_invalid"]
    assert b"secret" not in render(problem)[0]
