"""The parameters of a plan, numbered as its passes ask for them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from onetrip.errors import Invalid, Location
from onetrip.plan.ir import Cursor, Keyset, Number, Parameter, Selection
from onetrip.query.ast import Constant, Operand, Slot
from onetrip.schema.model import Relation


@dataclass(slots=True)
class Binder:
    """Collects parameters and cursors.

    `key` is how many texts of the key in the path come before the values of the query, `nulls` says which values of
    cursors are NULL; nothing, before they were read, for none of them.
    """

    key: int
    nulls: tuple[bool, ...] = ()
    parameters: list[Parameter] = field(default_factory=list)
    cursors: list[Cursor] = field(default_factory=list)
    conditions: int = 0

    def spend(self, loc: Location, maximum: int) -> None:
        """Count a condition. Raises `Invalid` for one too many: each is asked of every row."""
        self.conditions += 1
        if self.conditions > maximum:
            message = f"A request has at most {maximum} conditions, and '{str(loc[-1])[:100]}' is one more."
            hint = "Ask for a list of values by '__in', or send several requests."
            raise Invalid.at(loc, message, "too_many", hint)

    def value(self, loc: Location, parse: Callable[[str], Any], operand: Operand) -> int:
        """Number the value of an operand. Raises `Invalid` for one that is part of the shape and is not valid."""
        if isinstance(operand, Constant):
            return self.constant(loc, read(loc, parse, operand.text))
        return self.text(loc, parse, self.key + operand.index)

    def constant(self, loc: Location, value: Any) -> int:
        """Number a value that is the same in every request."""
        return self._add(Parameter(loc=loc, parse=str, default=value))

    def cursor(
        self, loc: Location, operand: Operand, direction: Literal["after", "before"], selection: Selection,
        relation: Relation | None = None,
    ) -> Keyset:  # fmt: skip
        """Number the values of a cursor of a list, which is in the order of the selection."""
        assert isinstance(operand, Slot)  # no text of a cursor is shape
        values = tuple(self.constant(loc, None) for _ in selection.order)
        before = sum(len(other.values) for other in self.cursors)
        cursor = Cursor(
            loc=loc, slot=self.key + operand.index, direction=direction, values=values, order=selection.order,
            where=selection.where, relation=relation,
        )  # fmt: skip
        self.cursors.append(cursor)
        return Keyset(values, self.nulls[before : before + len(values)] or (False,) * len(values))

    def number(self, loc: Location, operand: Operand | None, default: int, maximum: int) -> Number:
        """Number a whole number from 0 to a maximum, `limit` or `offset`."""

        def parse(text: str) -> int:
            if not re.fullmatch(r"[0-9]{1,4000}", text):
                raise ValueError("must be a whole number that is not negative")
            if int(text) > maximum:
                raise ValueError(f"must be at most {maximum}")
            return int(text)

        if isinstance(operand, Slot):
            return Number(self.value(loc, parse, operand))
        known = default if operand is None else read(loc, parse, operand.text)
        return Number(self.constant(loc, known), known)

    def text(self, loc: Location, parse: Callable[[str], Any], slot: int, *, miss_is_absence: bool = False) -> int:
        """Number the value of a text."""
        return self._add(Parameter(loc=loc, parse=parse, slot=slot, miss_is_absence=miss_is_absence))

    def _add(self, parameter: Parameter) -> int:
        self.parameters.append(parameter)
        return len(self.parameters) - 1


def read(loc: Location, parse: Callable[[str], Any], text: str) -> Any:
    """Read a value that is part of the shape. Raises `Invalid`."""
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise Invalid.at(loc, f"'{str(loc[-1])[:100]}' {error}.", "value_error") from None
