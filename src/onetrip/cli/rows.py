"""Files → rows: NDJSON and CSV, read line by line, each row with the number of its first line.

What is wrong with a row is said of that row, and the next one is read. An empty field of CSV is `None`, and `""` an
empty text, as `http.csv` writes them.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple

from onetrip.errors import ConfigurationError, Problem
from onetrip.http.body import load_json

Form = Literal["ndjson", "csv"]


class FormName(Enum):
    """A form, as the command line names it."""

    ndjson = "ndjson"
    csv = "csv"


_SUFFIXES: dict[str, Form] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)')
_OPEN = re.compile(rb'(?:^|,)"(?:[^"]|"")*$')
"""A text whose quote is not closed in its line; one inside an unquoted text opens nothing."""

_LONGEST = 16_777_216
"""Bytes of one row: where a quote is missing, the rest of a file would be one."""


class Row(NamedTuple):
    """What stands in a file: a value for each name, or what is wrong with it."""

    line: int
    values: dict[str, Any]
    problem: str | None = None


def form_of(path: str, given: Form | None) -> Form:
    """Tell the form of a file from its name. Raises `ConfigurationError` when that does not say."""
    found = given or _SUFFIXES.get(Path(path).suffix.lower())
    if found is None:
        raise ConfigurationError(f"'{path}' does not say what it is: add --format ndjson or --format csv.")
    return found


def read_ndjson(lines: Iterable[bytes]) -> Iterator[Row]:
    """Read one JSON object a line; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        try:
            value = load_json(line)
        except Problem as problem:
            yield Row(
                number, {}, problem.detail.replace("The body", "The row").replace(" at line 1, column", " at column")
            )
            continue
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            yield Row(number, {}, "The row must be an object.")


def read_csv(lines: Iterable[bytes]) -> tuple[list[str], Iterator[Row]]:
    """Read the names in the first line, and the rows after it. Raises `ConfigurationError` for a file without names."""
    records = _records(lines)
    _, first = next(records, (1, b""))
    names = _fields(first.removeprefix(b"\xef\xbb\xbf"))  # a byte order mark
    if isinstance(names, str) or None in names:
        raise ConfigurationError("The first line of a CSV file has the names of its columns, as in 'id,title'.")
    known = [str(name) for name in names]
    if repeated := sorted({name for name in known if known.count(name) > 1}):
        raise ConfigurationError(f"The first line names '{repeated[0]}' twice.")
    return known, _rows(known, records)


def _rows(names: list[str], records: Iterator[tuple[int, bytes]]) -> Iterator[Row]:
    for number, record in records:
        if len(names) > 1 and not record.strip(b"\r\n"):
            continue
        fields = _fields(record)
        if isinstance(fields, str):
            yield Row(number, {}, fields)
        elif len(fields) != len(names):
            yield Row(number, {}, f"The row has {len(fields)} fields, where the first line has {len(names)} names.")
        else:
            yield Row(number, dict(zip(names, fields, strict=True)))


def _records(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Put lines together between which a quoted text goes on."""
    numbered = enumerate(lines, start=1)
    for start, line in numbered:
        if line.count(b'"') % 2 == 0 or not _OPEN.search(line):
            yield start, line
            continue
        parts, size = [line], len(line)
        for _, more in numbered:
            parts.append(more)
            size += len(more)
            if more.count(b'"') % 2:
                break
            if size > _LONGEST:
                raise ConfigurationError(f"In line {start} a quoted text begins that has no end.")
        yield start, b"".join(parts)


def _fields(record: bytes) -> list[str | None] | str:
    """Take a record apart, or say what is wrong with it."""
    try:
        text = record.decode()
    except UnicodeDecodeError:
        return "The row is not valid UTF-8."
    if "\0" in text:
        return "The row must not contain NUL characters."
    fields: list[str | None] = []
    position = 0
    while True:
        found = _FIELD.match(text, position)
        if found is None:
            return "The row has a quote out of place: a text is quoted as a whole, and holds a quote as two."
        quoted, plain, end = found.groups()
        fields.append((plain or None) if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if end != ",":
            return fields if position == len(text) else "The row has a line break outside of quotes."
