"""The compiled form of a plan: SQL text, and how the values of a request become its arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

SEPARATOR = b"\x1e"
"""Between the JSON records of a list: RS, which JSON never holds unescaped (RFC 7464 uses it so)."""

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Argument:
    """One placeholder: the number of its parameter and the conversion that the column type asks for, or a constant."""

    parameter: int | None
    convert: Convert | None = None
    constant: Any = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that answers one request with at most one row of one value.

    The value is the JSON of an object, or the objects of a list joined by `SEPARATOR` (NULL: none). No row means that
    what the path names does not exist. `finish` turns one object into its final form, where Python has to write it.
    """

    text: str
    arguments: tuple[Argument, ...]
    finish: Callable[[bytes], bytes] | None = None

    def bind(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Put the values of the plan's parameters in the order of the placeholders."""
        return tuple(
            argument.constant
            if argument.parameter is None
            else argument.convert(values[argument.parameter])
            if argument.convert is not None
            else values[argument.parameter]
            for argument in self.arguments
        )
