"""JSON records → lines of CSV (RFC 4180), which no spreadsheet takes for formulas.

NULL is an empty field, an empty text is `""`. What is no plain value (an embed, JSON, an array) is its JSON text.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from onetrip.plan.ir import Shape
from onetrip.schema.model import LINK, Field

_QUOTED = re.compile('[",\r\n]')

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""What a spreadsheet may take for a formula (https://owasp.org/www-community/attacks/CSV_Injection), and what such a
text becomes here, so that one apostrophe can always be taken away again."""


def header(shape: Shape, linked: bool) -> bytes:
    """Write the line of names, those of the answer; `linked` rows have one more, for the columns of their link."""
    return _line(map(_quoted, _names(shape, linked)))


def writer(shape: Shape, linked: bool) -> Callable[[bytes], bytes]:
    """Make the function that writes a record of a shape as a line."""
    kinds = {item.name: item.type.kind for item in shape.items if isinstance(item, Field)}
    columns = [(name, _WRITERS.get(kinds.get(name, "other"), _text)) for name in _names(shape, linked)]

    def write(record: bytes) -> bytes:
        row = from_json(record)
        return _line("" if (value := row.get(name)) is None else _quoted(text(value)) for name, text in columns)

    return write


def _names(shape: Shape, linked: bool) -> Sequence[str]:
    return [*(item.name for item in shape.items), *([LINK] if linked else [])]


def _line(fields: Iterable[str]) -> bytes:
    return (",".join(fields) + "\r\n").encode()


def _text(value: Any) -> str:
    return disarmed(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return to_json(value).decode()


_WRITERS: Mapping[str, Callable[[Any], str]] = {"json": _json, "decimal": str}
"""Kinds of columns that are written in a way of their own: a decimal number is text in JSON, and no formula."""


def _quoted(text: str) -> str:
    if text and not _QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def disarmed(text: str) -> str:
    """Write an apostrophe before what may be taken for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def armed(text: str) -> str:
    """Take the apostrophe away that `disarmed` wrote."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
