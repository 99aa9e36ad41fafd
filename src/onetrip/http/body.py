"""What is read of a request's body: its media type, its bytes, and JSON without ambiguity.

Also how Pydantic's errors about a body are said. What may stand in a body is the business of `schema`.
"""

import json
import math
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope

from onetrip.errors import (
    BadRequest,
    BodyTooLarge,
    ErrorItem,
    Invalid,
    Location,
    UnsupportedMediaType,
    nearest,
)
from onetrip.http.request import Headers

MAX_DEPTH = 64
"""How deep arrays and objects may nest: less than any parser, database or serializer that reads them can bear."""

FORM = "\0"
"""With what Pydantic's name for one of several forms of an object begins, in the place of an error; no key does."""

MAX_ITEMS = 20
"""How many errors of one body are listed."""


# Bytes


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Read the body, of at most `limit` bytes.

    Raises `BodyTooLarge`, before anything is read if `Content-Length` says so; `BadRequest` if the client went away.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and (len(value) > 18 or int(value) > limit):
            raise _too_large(limit)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The connection was closed before the body was complete.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body has more than {limit:,} bytes, which is the most that is read here.")


# Media types

_ACCEPTS = {"PATCH": "Accept-Patch", "POST": "Accept-Post"}  # for others RFC 9110 §12.5.1 has Accept


def check_media_type(headers: Headers, accepted: frozenset[bytes], method: str) -> None:
    """Check that a body is of an accepted type, is UTF-8 by its own account, and is not compressed.

    A body without a `Content-Type` is not taken for JSON, as FastAPI does not (`strict_content_type`): a page of
    another site can send one without asking the browser. Raises `UnsupportedMediaType`, which names the types that
    are accepted in the header that RFC 5789 §2.2 and its kin have for `method`.
    """
    sent = b""
    for name, value in headers:
        if name == b"content-type":
            sent = sent + b"," + value if sent else value  # twice is none of the accepted ones
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise UnsupportedMediaType(
                "A compressed body is not read here.",
                hint="Leave out 'Content-Encoding'.",
                headers={"Accept-Encoding": "identity"},
            )
    if sent in accepted:
        return
    media_type, *parameters = (part.strip() for part in sent.lower().split(b";"))
    if media_type not in accepted:
        shown = sent.decode("latin-1")[:100]
        raise _unsupported(
            f"A body of type '{shown}' is" if sent else "A body without 'Content-Type' is", accepted, method
        )
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name == b"charset" and value.strip(b'"') not in (b"utf-8", b"utf8"):
            raise _unsupported("A body in another encoding than UTF-8 is", accepted, method)


def _unsupported(what: str, accepted: frozenset[bytes], method: str) -> UnsupportedMediaType:
    names = [name.decode() for name in sorted(accepted)]
    return UnsupportedMediaType(
        f"{what} not read here.",
        hint=f"Send 'Content-Type: {names[0]}'{''.join(f' or {other!r}' for other in names[1:])}.",
        headers={_ACCEPTS.get(method, "Accept"): ", ".join(names)},
    )


# JSON


class _Flawed(ValueError):
    """Something in a JSON text means nothing, or two things. Where it stands is found out afterwards."""


class _Flaw:
    """Stands for a value that cannot be taken."""

    def __init__(self, sentence: str, type_: str) -> None:
        self.sentence = sentence
        self.type = type_


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, repeated keys included."""


def load_json(raw: bytes) -> Any:
    """Read JSON (RFC 8259) that every reader understands alike, and every database can hold.

    Raises `BadRequest` for what is not UTF-8 (a byte order mark is not part of JSON) or nests too deep, `Invalid` for
    what is not JSON, for repeated keys, numbers that are not finite or too long, NUL characters and lone surrogates.
    """
    text = _text(raw)
    if not text or text.isspace():
        raise Invalid.at(("body",), "The body is empty.", "missing", "Send JSON.")
    try:
        value = _value(text)
    except RecursionError:
        raise _too_deep() from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _nests_too_deep(value):
        raise _too_deep()
    return value


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.") from None
    if text.startswith("\ufeff") or "\0" in text[:2]:  # UTF-16 and UTF-32 have a NUL beside an ASCII character
        raise BadRequest("The body must be UTF-8 without a byte order mark.")
    return text


def _value(text: str) -> Any:
    try:
        value = _decode(_STRICT, text)
        if "\\u" not in text or not _SUSPICIOUS.search(text):
            return value
    except ValueError:  # a repeated key, or a number
        pass
    items = list(islice(_flaws(_decode(_MARKING, text), ()), MAX_ITEMS))
    if items:
        raise Invalid.of(items)
    return value


def _nests_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            below
            for above in level
            for below in (above.values() if type(above) is dict else above)
            if type(below) is dict or type(below) is list
        ]
        if not level:
            return False
    return True


def _too_deep() -> BadRequest:
    return BadRequest(f"The body nests arrays and objects more than {MAX_DEPTH} deep.")


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at").rstrip(": ")
        msg = (
            f"The body is not valid JSON at line {error.lineno}, column {error.colno}: {reason[0].lower()}{reason[1:]}."
        )
        raise Invalid.at(("body", error.pos), msg, "json_invalid") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Flawed
    return made


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Flawed
    return number


def _constant(text: str) -> float:
    raise _Flawed


def _marked_float(text: str) -> float | _Flaw:
    number = float(text)
    return _Flaw("is too large for a number with a fraction", "out_of_range") if math.isinf(number) else number


def _marked_int(text: str) -> int | _Flaw:
    try:
        return int(text)
    except ValueError:  # Python refuses to convert that many digits
        return _Flaw("has too many digits", "out_of_range")


def _marked_constant(text: str) -> _Flaw:
    return _Flaw(f"must be a finite number, and {text} is not JSON", "finite_number")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
_MARKING = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=_marked_float, parse_int=_marked_int, parse_constant=_marked_constant
)

_HIGH, _LOW = r"[dD][89abAB][0-9a-fA-F]{2}", r"[dD][c-fC-F]"
_SUSPICIOUS = re.compile(rf"\\u(?:0000|{_HIGH}(?!\\u{_LOW})|(?<!\\u{_HIGH}\\u){_LOW})")
"""NUL and half a surrogate pair; other characters that mean nothing do not get past UTF-8 and the decoder.

It begins with what it looks for, so that `re` skips to that, ten times as fast.
"""

_SURROGATE = re.compile("[\ud800-\udfff]")


def _flaws(value: Any, path: Location) -> Iterator[ErrorItem]:
    """List what cannot be taken in what `_MARKING` has read. Raises `BadRequest` where it nests too deep."""
    if len(path) >= MAX_DEPTH and isinstance(value, list):
        raise _too_deep()
    if isinstance(value, _Flaw):
        yield _item(path, value.sentence, value.type)
    elif isinstance(value, str):
        yield from _text_flaws(value, path, "")
    elif isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, below in value:
            here = (*path, key)
            yield from _text_flaws(key, here, "is a key that ")
            if key in seen:
                yield _item(here, "is given twice", "repeated")
            seen.add(key)
            yield from _flaws(below, here)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _flaws(below, (*path, index))


def _text_flaws(text: str, path: Location, subject: str) -> Iterator[ErrorItem]:
    if "\0" in text:
        yield _item(path, f"{subject}must not contain NUL characters", "nul")
    if _SURROGATE.search(text):
        yield _item(path, f"{subject}must not contain half of a surrogate pair", "string_unicode")


def _item(path: Location, sentence: str, type_: str, prefix: Location = ("body",)) -> ErrorItem:
    """Make an error about a place in a body; keys are shown so that they can be shown: short, and encodable."""
    shown = tuple(_shown(part) if isinstance(part, str) else part for part in path)
    return ErrorItem((*prefix, *shown), f"{_place(shown)} {sentence}.", type_)


def _shown(key: str) -> str:
    return _SURROGATE.sub("\ufffd", key[:100]).replace("\0", "\ufffd")


def _place(path: Iterable[str | int]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return f"'{''.join(parts).removeprefix('.')}'" if parts else "The body"


# Validation

_NUMBER, _WHOLE, _OBJECT = "must be a number", "must be a whole number", "must be an object"
_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a field that can be set here",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "bytes_invalid_encoding": "must be valid base64",
    "dict_type": _OBJECT,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "has too many digits",
    "int_type": _WHOLE,
    "list_type": "must be an array",
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "string_type": "must be text",
    "string_unicode": "must not contain half of a surrogate pair",
    "timezone_aware": "needs an offset: add 'Z' for UTC",
    "timezone_naive": "is a local time: leave out the offset and 'Z'",
    "union_tag_invalid": "is none of the kinds that are known here",  # Pydantic's own repeats the input
    "uuid_parsing": "must be a UUID",  # likewise
    "uuid_type": "must be a UUID",
}
_SUBJECT = re.compile(r"[A-Z][a-z]+(?: input| items?)? should ")
_TOLD_BY = re.compile(r"(?:Value error|Assertion failed), ")


def body_problem(
    error: ValidationError, model: type[BaseModel], prefix: Location = ("body",), given: Container[str] = ()
) -> Invalid:
    """Say what Pydantic found wrong with a body, or with an array of bodies, of `model`; `given` keys are not sent.

    Types are Pydantic's, but for `unknown_field`. No message repeats a value; what a validator of the user's says is
    passed on.
    """
    items: list[ErrorItem] = []
    hint: str | None = None
    for found in islice(error.errors(include_url=False, include_context=False, include_input=False), MAX_ITEMS):
        path, type_ = tuple(part for part in found["loc"] if not str(part).startswith(FORM)), found["type"]
        if type_ == "extra_forbidden":
            type_ = "unknown_field"
            hint = hint or _known_hint(path, [name for name in _names(model) if name not in given])
        items.append(_item(path, _sentence(found["type"], found["msg"]), type_, prefix))
    return Invalid.of(items, hint)


def _sentence(type_: str, msg: str) -> str:
    """Make the rest of a sentence that begins with the name of what is wrong."""
    if type_ in _SENTENCES:
        return _SENTENCES[type_]
    if matched := _SUBJECT.match(msg):
        return f"must {msg[matched.end() :]}".rstrip(".")
    return "is not valid: " + _TOLD_BY.sub("", msg, count=1).rstrip(".")


def _names(model: type[BaseModel]) -> Sequence[str]:
    """List the keys that a body of the model may have."""
    aliases = ((info.validation_alias, name) for name, info in model.model_fields.items())
    return [alias if isinstance(alias, str) else name for alias, name in aliases]


def _known_hint(path: Location, known: Sequence[str]) -> str | None:
    """Name the nearest right key, or all, for a key of the body itself or of a row of it."""
    key, *above = reversed(path)
    if any(isinstance(part, str) for part in above):  # inside a value
        return None
    return nearest(str(key), known) or (f"There are: {', '.join(sorted(known)[:30])}." if known else None)
