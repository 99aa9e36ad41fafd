"""The compiled form of a plan: SQL text, and how the values of a request become its arguments."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

SEPARATOR = b"\x1e"
"""Between the JSON records of a list: RS, which JSON never holds unescaped (RFC 7464 uses it so)."""

UNIT = b"\x1f"
"""Between the parts of what stands before the records of a list: US, which JSON does not hold either."""

TOTAL = b"/"
"""Between the number of records and that of rows on all pages."""

VERSION = "v"
"""The name of the version in a row's identity, beside the parts of the key, which are `0`, `1`, ….

The identity of a row that has a version, and of one that was written, stands before it, and a `SEPARATOR`.
"""

EMBED = "/"
"""What begins the names of embedded rows beside attributes, in a row that Python writes."""

Convert = Callable[[Any], Any]

_PLACEHOLDER = re.compile(r"p([0-9]+)")


def placeholder(number: int) -> str:
    """Name the placeholder of a plan's parameter. SQLAlchemy's own names for constants have an underscore."""
    return f"p{number}"


def parameter_number(name: str) -> int | None:
    """Tell from the name of a placeholder which parameter of the plan it stands for, if it is one."""
    found = _PLACEHOLDER.fullmatch(name)
    return None if found is None else int(found[1])


@dataclass(frozen=True, slots=True)
class Later:
    """What stands in a condition for a value that each request brings along: the number of its parameter."""

    number: int


@dataclass(frozen=True, slots=True)
class Argument:
    """One placeholder: the number of its parameter and the conversion that the column type asks for, or a constant."""

    parameter: int | None
    convert: Convert | None = None
    constant: Any = None

    def value(self, values: Sequence[Any]) -> Any:
        """Fill the placeholder."""
        if self.parameter is None:
            return self.constant
        value = values[self.parameter]
        return value if self.convert is None else self.convert(value)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that answers one request with at most one row of one value.

    The value is the JSON of an object, or, for a list, a head and then each object, joined by `SEPARATOR`. The head is
    the number of the objects; behind a `TOTAL` how many there are on all pages, if that was asked for; and the position
    of each in the order, behind a `UNIT`, where cursors are made of them and objects do not show them. Those that do
    show it under the names of `position`. No row means that what the path names does not exist. `finish` turns one
    object into its final form, where Python has to write it.
    """

    text: str
    arguments: tuple[Argument, ...]
    finish: Callable[[bytes], bytes] | None = None
    position: tuple[str, ...] | None = None

    def bind(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Put the values of the plan's parameters in the order of the placeholders."""
        return tuple([argument.value(values) for argument in self.arguments])

    def bind_each(self, lists: Sequence[Sequence[Any]], count: int) -> list[tuple[Any, ...]]:
        """Do the same for so many rows: each parameter has the list of its values."""
        columns = [
            [argument.constant] * count
            if argument.parameter is None
            else lists[argument.parameter]
            if argument.convert is None
            else list(map(argument.convert, lists[argument.parameter]))
            for argument in self.arguments
        ]
        return list(zip(*columns, strict=True)) or [()] * count


@dataclass(frozen=True, slots=True)
class Chunk:
    """The INSERT of several rows at once: its arguments are those of its rows, one row after the other.

    It answers with a row for each: the number that the database has given it and then, after a `SEPARATOR`, its JSON.
    The numbers ascend in the order of the rows. A database that answers in another order shows it by them.
    """

    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class WriteStatement:
    """A write: its statement, whose value is the row's identity and then, after a `SEPARATOR`, its JSON.

    With `again`, the identity stands alone, and the row is read by a second statement in the same transaction. With
    `each`, the values are lists, and the statement runs once for each of their items, in one transaction; with a
    `chunk`, that runs for some of them at once. It is compiled when it is asked for.

    `before` finds the rows of a change of many, where that cannot answer with them. `otherwise` is run when an upsert
    has found a row that is there, and so answered with none; without it, the value begins with whether the row is new.
    """

    statement: Statement
    again: bool = False
    each: bool = False
    chunk: Callable[[], Chunk | None] | None = None
    before: Statement | None = None
    otherwise: Statement | None = None
