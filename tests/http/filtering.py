"""Tables with a column of every type that can be filtered, awkward rows, and what a filter means, in plain Python.

A value is true, false, or unknown (`None`): a comparison with nothing is unknown, and so is its negation.
"""

import json
import math
import operator
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Optional
from urllib.parse import quote
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship

from tests.schema.serving import base

Base = base()


class Color(Enum):
    RED = "red"
    GREEN = "green"
    ODD = "a,b(c)"


class Size(BaseModel):
    width: int | None = None
    unit: str = "cm"


class Settings(BaseModel):
    theme: str | None = None
    size: Size | None = None
    ratio: float | None = None
    dark: bool | None = None
    since: date | None = None
    color: Color | None = None
    words: list[str] = []


class Typed(sa.types.TypeDecorator[Settings]):
    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Any) -> Settings | None:
        return None if value is None else Settings.model_validate(value)


class Owner(Base, table=True):  # type: ignore[misc, valid-type]
    id: int = Field(primary_key=True)
    name: str | None = None
    rank: int | None = None
    friend_id: int | None = Field(default=None, foreign_key="owner.id")
    friend: Optional["Owner"] = Relationship(sa_relationship_kwargs={"remote_side": "Owner.id"})
    things: list["Thing"] = Relationship(back_populates="owner")


class Thing(Base, table=True):  # type: ignore[misc, valid-type]
    id: int = Field(primary_key=True)
    mark: int = 0
    text: str | None = None
    number: int | None = None
    big: int | None = Field(default=None, sa_type=sa.BigInteger)
    flag: bool | None = None
    price: Decimal | None = Field(default=None, max_digits=10, decimal_places=2)
    ratio: float | None = None
    day: date | None = None
    moment: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    local: datetime | None = Field(default=None, sa_type=sa.DateTime())
    clock: time | None = None
    span: timedelta | None = None
    uid: UUID | None = None
    color: Color | None = None
    data: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    binary: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON().with_variant(pg.JSONB(), "postgresql"))
    settings: Settings | None = Field(default=None, sa_type=Typed)
    tags: list[str] | None = Field(default=None, sa_type=sa.JSON().with_variant(pg.ARRAY(sa.String), "postgresql"))
    counts: list[int] | None = Field(default=None, sa_type=sa.JSON)
    owner_id: int | None = Field(default=None, foreign_key="owner.id")
    owner: Optional[Owner] = Relationship(back_populates="things")  # noqa: UP045
    notes: list["Note"] = Relationship(back_populates="thing")


class Note(Base, table=True):  # type: ignore[misc, valid-type]
    id: int = Field(primary_key=True)
    body: str | None = None
    stars: int | None = None
    thing_id: int = Field(foreign_key="thing.id")
    thing: Thing = Relationship(back_populates="notes")


TEXTS = [
    "", "a", "A", "ab", "a b", "é", "É", "ß", "ẞ", "ss", "İ", "i", "ı", "Σ", "σ", "ς", "ΑΣ", "%", "_", "a_b", "a%b",
    "\\",
    "a\\", "\\%", '"', "'", '""', "a,b", "(a)", "a)b", "[a]", "*", "?", "[", "]", "{0}", "$1", "🚀", "3", "3.0", "true",
    "null", "10", "-", "\n", "e\u0301",
]  # fmt: skip
_SCALARS: list[Any] = [
    None, True, False, 0, 3, 10, -1, 3.0, 3.5, 0.1, 1e20, -0.0, 2**53 + 1, "3", "3.0", "true", "a", "A", "é", "", "a,b",
]  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "text": TEXTS,
    "number": [0, 1, -1, 3, 2**31 - 1, -(2**31)],
    "big": [0, 2**63 - 1, -(2**63), 2**53 + 1],
    "flag": [True, False],
    "price": [Decimal(text) for text in ("0.00", "12.50", "-0.05", "99999999.99")],
    "ratio": [0.0, 0.1, -1.5, 1e300, 1e-300, 3.0],
    "day": [date(1, 1, 1), date(2026, 1, 31), date(2026, 2, 1), date(9999, 12, 31)],
    "moment": [
        datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 1, 31, 9, 30, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    "local": [datetime(2026, 1, 31), datetime(2026, 1, 31, 9, 30, 0, 250_000), datetime(2026, 1, 31, 9, 30)],
    "clock": [time(0), time(9, 30), time(23, 59, 59, 999_999)],
    "span": [timedelta(0), timedelta(days=1, hours=2), timedelta(seconds=-90), timedelta(microseconds=1)],
    "uid": [UUID(int=10), UUID("ffffffff-0000-4000-8000-00000000000b")],
    "color": list(Color),
}  # fmt: skip
"""Column → the values that rows have, and clients ask for."""


def rows(seed: int) -> list[Any]:
    """Make owners, things and notes, with nothing in every second place."""
    rng = random.Random(seed)

    def some(values: Sequence[Any]) -> Any:
        return rng.choice(values) if rng.random() < 0.7 else None

    def document() -> Any:
        made: dict[str, Any] = {name: rng.choice(_SCALARS) for name in ("a", "é", "7", 'q"') if rng.random() < 0.7}
        made["list"] = rng.choice([[rng.choice(_SCALARS) for _ in range(rng.randrange(4))], "abc", None, {"0": "x"}])
        made["in"] = rng.choice([{"b": rng.choice(_SCALARS)}, [rng.choice(_SCALARS), [rng.choice(_SCALARS)]], 3, None])
        return made

    def settings() -> Settings:
        size = some([Size(width=3), Size(width=None), Size(width=-1, unit="mm")])
        return Settings(
            theme=some(TEXTS), size=size, ratio=some(VALUES["ratio"]), dark=some([True, False]),
            since=some(VALUES["day"]), color=some(list(Color)),
            words=[rng.choice(TEXTS) for _ in range(rng.randrange(4))],
        )  # fmt: skip

    owners = [Owner(id=at, name=some(TEXTS), rank=some([1, 2, 3]), friend_id=some([1, 2])) for at in range(1, 6)]
    things = [
        Thing(
            id=at, **{name: some(values) for name, values in VALUES.items()}, owner_id=some([1, 2, 3, 4]),
            data=some([document()]), binary=some([document()]), settings=some([settings()]),
            tags=some([[rng.choice(TEXTS) for _ in range(rng.randrange(4))]]),
            counts=some([[rng.choice([1, 2, 3]) for _ in range(rng.randrange(4))]]),
        )
        for at in range(1, 41)
    ]  # fmt: skip
    notes = [Note(id=at, body=some(TEXTS), stars=some([1, 2, 3]), thing_id=rng.randrange(1, 30)) for at in range(1, 61)]
    return [*owners, *things, *notes]


# What is asked


@dataclass(frozen=True)
class Leaf:
    """A comparison: relations, then a column with what leads into it, an operator, and the texts of its operands."""

    way: tuple[str, ...]
    column: str
    sign: str
    texts: tuple[str, ...]
    operands: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return ".".join((*self.way, self.column)) + ("" if self.sign == "eq" else f"__{self.sign}")


@dataclass(frozen=True)
class Tree:
    """`or`, `and` or `not` of conditions, or the name of a relation, one row of which meets all."""

    kind: str
    of: "tuple[Leaf | Tree, ...]"


LISTS = ("in", "not_in", "between", "contains", "overlaps")


def inside(asked: Leaf | Tree) -> str:
    """Write a condition as it stands in parentheses."""
    if isinstance(asked, Tree):
        return f"{asked.kind}=({','.join(map(inside, asked.of))})"
    quoted = ['"' + text.replace('"', '""') + '"' for text in asked.texts]
    several = asked.sign in LISTS and (len(quoted) > 1 or asked.sign in LISTS[:3])
    return f"{asked.name}={'(' + ','.join(quoted) + ')' if several else quoted[0] if quoted else ''}".replace(
        '="true"' if asked.sign in ("is_null", "exists") else "\0", "=true"
    ).replace('="false"' if asked.sign in ("is_null", "exists") else "\0", "=false")


def parameter(asked: Leaf | Tree) -> str:
    """Write a condition as a parameter of a URL."""
    name, _, value = inside(asked).partition("=")
    if isinstance(asked, Leaf):
        value = asked.texts[0]
        if asked.sign in LISTS and not (asked.sign == "contains" and is_text(asked)):
            value = ",".join('"' + text.replace('"', '""') + '"' for text in asked.texts)
    return f"{quote(name, safe='')}={quote(value, safe='')}"


def is_text(asked: Leaf) -> bool:
    return asked.column in ("text", "name", "body", "settings.theme")


def text_of(value: Any) -> str:
    """Write a value as a client puts it into a URL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return (
            f"{'-' if value < timedelta(0) else ''}PT{abs(value) // timedelta(seconds=1)}.{abs(value).microseconds:06}S"
        )
    return value if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)


# What it means


class World:
    """Rows by key, and where relations lead."""

    def __init__(self, made: Sequence[Any]) -> None:
        self.rows: dict[str, dict[int, Any]] = {"Owner": {}, "Thing": {}, "Note": {}}
        for row in made:
            self.rows[type(row).__name__][row.id] = row
        self.lead: dict[str, Callable[[Any], list[Any]]] = {
            "owner": lambda row: self._one("Owner", row.owner_id),
            "friend": lambda row: self._one("Owner", row.friend_id),
            "thing": lambda row: self._one("Thing", row.thing_id),
            "notes": lambda row: [note for note in self.rows["Note"].values() if note.thing_id == row.id],
            "things": lambda row: [thing for thing in self.rows["Thing"].values() if thing.owner_id == row.id],
        }

    def _one(self, kind: str, key: int | None) -> list[Any]:
        return [] if key is None else [self.rows[kind][key]]

    def meets(self, row: Any, asked: Leaf | Tree) -> bool | None:
        """Say whether a row meets a condition: true, false or unknown."""
        if isinstance(asked, Leaf):
            return self._leaf(row, asked)
        if asked.kind not in ("or", "and", "not"):
            return any(self._all(end, asked.of) is True for end in self._follow(row, tuple(asked.kind.split("."))))
        found = [self.meets(row, part) for part in asked.of]
        if asked.kind == "or":
            return True if True in found else None if None in found else False
        whole = False if False in found else None if None in found else True
        return whole if asked.kind == "and" or whole is None else not whole

    def _all(self, row: Any, of: Sequence[Leaf | Tree]) -> bool | None:
        return self.meets(row, Tree("and", tuple(of)))

    def _follow(self, row: Any, way: Sequence[str]) -> list[Any]:
        found = [row]
        for name in way:
            found = [end for each in found for end in self.lead[name](each)]
        return found

    def _leaf(self, row: Any, asked: Leaf) -> bool | None:
        many = [at for at, name in enumerate(asked.way, 1) if name in ("notes", "things")]
        if asked.sign == "exists":
            wanted = asked.texts == ("true",)
            return any(bool(self.lead[asked.column](end)) is wanted for end in self._follow(row, asked.way))
        if asked.sign == "is_null":
            outer = asked.way[: many[-1] if many else 0]
            ends = [self._follow(end, asked.way[len(outer) :]) for end in self._follow(row, outer)]
            wanted = asked.texts == ("true",)
            return any((not end or value_at(end[0], asked.column) is None) is wanted for end in ends)
        ends = self._follow(row, asked.way)
        if many:
            return any(compare(value_at(end, asked.column), asked) is True for end in ends)
        return compare(value_at(ends[0], asked.column), asked) if ends else None


def value_at(row: Any, column: str) -> Any:
    """Take a column, or what is inside it."""
    name, *keys = column.split(".")
    value = getattr(row, name)
    if isinstance(value, Settings):
        value = value.model_dump()
    for key in keys:
        if isinstance(value, list) and key.isdigit():
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


_ORDER = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def compare(value: Any, asked: Leaf) -> bool | None:
    """Compare one value."""
    sign = asked.sign
    if value is None:
        return None
    if asked.column.startswith(("data", "binary")):
        return _compare_untyped(value, asked)
    if sign in ("ne", "not_in"):
        return value not in asked.operands
    if sign in ("eq", "in"):
        return value in asked.operands
    if sign == "between":
        return bool(asked.operands[0] <= value <= asked.operands[1])
    if sign in _ORDER:
        return bool(_ORDER[sign](value, asked.operands[0]))
    if isinstance(value, list):
        return (all if sign == "contains" else any)(item in value for item in asked.operands)
    return match(value, sign, asked.texts[0])


def _number(text: str) -> float | None:
    return json.loads(text) if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", text) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text == str(value).lower()
    return value == _number(text) if _is_number(value) else isinstance(value, str) and value == text


def _compare_untyped(value: Any, asked: Leaf) -> bool | None:
    """Compare what nobody has said the type of."""
    sign, texts = asked.sign, asked.texts
    if sign in ("eq", "in"):
        return any(_same(value, text) for text in texts)
    if sign in ("ne", "not_in"):
        return not any(_same(value, text) for text in texts)
    if sign == "between":
        parts = [_ordered(value, sign, text) for sign, text in zip(("gte", "lte"), texts, strict=True)]
        return False if False in parts else None if None in parts else True
    if sign in _ORDER:
        return _ordered(value, sign, texts[0])
    if sign in ("contains", "overlaps") and isinstance(value, list):
        return (all if sign == "contains" else any)(any(_same(item, text) for item in value) for text in texts)
    return match(value, sign, texts[0]) if isinstance(value, str) and sign != "overlaps" else None


def _ordered(value: Any, sign: str, text: str) -> bool | None:
    number = _number(text)
    if number is None:
        return bool(_ORDER[sign](value, text)) if isinstance(value, str) else None
    return bool(_ORDER[sign](value, number)) if _is_number(value) and not math.isnan(value) else None


def fold(text: str) -> str:
    """Map each character to its simple lower case: `İ` to `i`, `Σ` to `σ`, `ẞ` to `ß`."""
    return "".join({"İ": "i"}.get(character, character.lower()) for character in text)


def match(value: str, sign: str, text: str) -> bool:
    """Match text with an operator of text."""
    if sign.startswith("i"):
        value, text, sign = fold(value), fold(text), sign[1:]
    if sign == "like":
        parts = re.findall(r"\\(.)|(.)", text, re.DOTALL)
        signs = {"%": ".*", "_": "."}
        pattern = "".join(re.escape(escaped) if escaped else signs.get(one) or re.escape(one) for escaped, one in parts)
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    simple: dict[str, Callable[[str, str], bool]] = {
        "contains": lambda value, text: text in value, "startswith": str.startswith, "endswith": str.endswith,
    }  # fmt: skip
    return simple[sign](value, text)


def leaves(asked: Leaf | Tree) -> Iterator[Leaf]:
    """List the comparisons in a condition."""
    if isinstance(asked, Leaf):
        yield asked
    else:
        for part in asked.of:
            yield from leaves(part)
