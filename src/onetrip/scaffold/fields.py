"""`title:str:unique=draft` → `Field`: the columns that somebody asks for on the command line.

    name:type[?][:unique][:index][=default]

A type is one of `TYPES`, a class (`author:User`), or a column of a table (`author_id:user.id`).
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from keyword import iskeyword

from sqlmodel import SQLModel

from onetrip.errors import ConfigurationError, nearest

_FORM = re.compile(
    r"(?P<name>[^:=?]+):(?P<type>[^:=?]+)(?P<nullable>\?)?(?P<marks>(?::[^:=]*)*)(?:=(?P<default>.*))?", re.DOTALL
)
_MARKS = ("unique", "index")
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){1,2}")
_LONGEST = 60  # bytes of a name of PostgreSQL are 63, and an index is called after its column


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """How a type is written: its annotation, the options of its `Field`, and how a default is written.

    `sample` is a value as a client sends it, written in Python.
    """

    annotation: str
    options: tuple[str, ...] = ()
    default: Callable[[str], str]
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What was asked for. `reference` is a class, or a column as `table.column`; then there is no `type`."""

    name: str
    type: Type | None = None
    reference: str | None = None
    nullable: bool = False
    unique: bool = False
    index: bool = False
    default: str | None = None

    @property
    def is_relation(self) -> bool:
        """Whether it is a reference by the name of a class, which has a relation as well."""
        return self.reference is not None and "." not in self.reference

    @property
    def column(self) -> str:
        """The attribute of the column."""
        return f"{self.name}_id" if self.is_relation else self.name


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _whole(value: str) -> str:
    return str(int(value))


def _real(value: str) -> str:
    return repr(float(value))


def _truth(value: str) -> str:
    return {"true": "True", "false": "False"}[value.lower()]


def _exact(value: str) -> str:
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return f'Decimal("{number}")'


def _day(value: str) -> str:
    day = datetime.date.fromisoformat(value)
    return f"dt.date({day.year}, {day.month}, {day.day})"


def _none(value: str) -> str:
    raise ValueError(value)


TYPES: Mapping[str, Type] = {
    "str": Type(annotation="str", options=("max_length=255",), default=_text, sample='"text"'),
    "text": Type(annotation="str", default=_text, sample='"a longer text"'),
    "int": Type(annotation="int", default=_whole, sample="7"),
    "float": Type(annotation="float", default=_real, sample="2.5"),
    "bool": Type(annotation="bool", default=_truth, sample="True"),
    "date": Type(annotation="dt.date", default=_day, sample='"2026-01-31"'),
    "datetime": Type(annotation="dt.datetime", default=_none, sample='"2026-01-31T12:00:00Z"'),
    "uuid": Type(annotation="UUID", default=_none, sample='"0190a6f4-3c1e-7d52-8d0b-6f2f3a1c9e77"'),
    "decimal": Type(
        annotation="Decimal", options=("max_digits=12", "decimal_places=2"), default=_exact, sample='"9.90"'
    ),
    "json": Type(annotation="dict[str, Any]", options=("sa_type=JSON",), default=_none, sample='{"key": "value"}'),
}  # fmt: skip
"""What `name:type` may say. A `datetime` has an offset, as everywhere in SQLModel."""

GENERATED: Mapping[tuple[str, str], str] = {
    ("date", "today"): "dt.date.today",
    ("datetime", "now"): "lambda: dt.datetime.now(dt.UTC)",
    ("uuid", "random"): "uuid4",
    ("json", "{}"): "dict",
}
"""Defaults that are made anew for each row, by type and word."""


def parse_fields(texts: Iterable[str]) -> tuple[Field, ...]:
    """Read the columns of a table. Raises `ConfigurationError`, which says how the wrong one is written."""
    fields = tuple(map(parse_field, texts))
    names = [name for field in fields for name in dict.fromkeys((field.name, field.column))]
    for name in names:
        if name == "id":
            raise ConfigurationError("Every table has an 'id' already: leave it out.")
        if names.count(name) > 1:
            raise ConfigurationError(f"There are two columns '{name}'.")
    if not fields:
        raise ConfigurationError("A table has columns: name them, as in title:str.")
    return fields


def parse_field(text: str) -> Field:
    """Read one column.

    >>> field = parse_field("email:str:unique")
    >>> field.name, field.unique, field.nullable
    ('email', True, False)
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"'{text}' is no column: it is written as in title:str, or bio:text?")
    name, word, nullable = _name(found["name"]), found["type"], found["nullable"] is not None
    marks = found["marks"].split(":")[1:]
    for mark in marks:
        if mark not in _MARKS:
            hint = "A ? stands right behind the type." if mark.endswith("?") else nearest(mark, _MARKS)
            hint = hint or "There are unique and index."
            raise ConfigurationError(f"'{text}': there is no '{mark}'. {hint}")
    unique, index = "unique" in marks, "index" in marks
    if word not in TYPES:
        if found["default"] is not None:
            raise ConfigurationError(f"'{text}': a reference has no default.")
        return Field(name=name, reference=_reference(text, word), nullable=nullable, unique=unique, index=index)
    default = None if found["default"] is None else _default(text, word, found["default"])
    return Field(name=name, type=TYPES[word], nullable=nullable, unique=unique, index=index, default=default)


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or iskeyword(name):
        raise ConfigurationError(f"'{name}' is no name for a column: it is written as in created_on.")
    if hasattr(SQLModel, name) or name.startswith("model_") or name in ("registry", "dt", "uuid4"):
        raise ConfigurationError(
            f"A column cannot be called '{name}', which means something else in a class of SQLModel."
        )
    if len(name) > _LONGEST:
        raise ConfigurationError(f"'{name}' is longer than {_LONGEST} characters.")
    return name


def _reference(text: str, word: str) -> str:
    if word.isidentifier() and word[0].isupper():
        return word
    if _COLUMN.fullmatch(word):
        return word
    hint = nearest(word, list(TYPES)) or f"There are {', '.join(TYPES)}; a table's class refers to its rows."
    raise ConfigurationError(f"'{text}': there is no type '{word}'. {hint}")


def _default(text: str, word: str, value: str) -> str:
    """Write a default as it stands in `Field(…)`."""
    made = GENERATED.get((word, value))
    if made is not None:
        return f"default_factory={made}"
    try:
        return f"default={TYPES[word].default(value)}"
    except (ValueError, KeyError, InvalidOperation):
        words = [known for kind, known in GENERATED if kind == word]
        hint = f" There is {word}={words[0]}." if words else ""
        raise ConfigurationError(f"'{text}': '{value}' is no default for {word}.{hint}") from None
