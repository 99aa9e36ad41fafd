"""How one database stores a column, for those who judge what may be stored there: `bounds` and `checks`.

The description of its type, what only SQLAlchemy's own type says, and how a value is refused. Nothing is judged here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic_core import PydanticCustomError
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect

from onetrip.schema.types import FieldType

Check = Callable[[Any], Any]
"""Answers the value to store, or raises `PydanticCustomError`."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How one database stores a column: its description, and its SQLAlchemy type with all wrapping."""

    type: FieldType
    column: sa.types.TypeEngine[Any]
    dialect: Dialect

    @property
    def impl(self) -> Any:
        """SQLAlchemy's type on the dialect, without decorators and domains."""
        type_: Any = self.column
        while True:
            type_ = type_._variant_mapping.get(self.dialect.name, type_)
            if isinstance(type_, pg.DOMAIN):
                type_ = type_.data_type
            elif isinstance(type_, sa.types.TypeDecorator):
                type_ = type_.load_dialect_impl(self.dialect)
            else:
                return type_

    @property
    def item(self) -> "Storage":
        """The items of an array."""
        assert self.type.item is not None
        return Storage(self.type.item, self.impl.item_type, self.dialect)

    @property
    def digits(self) -> tuple[int | None, int | None]:
        """Digits and decimals of a decimal number; a number of digits alone has no decimals."""
        impl = self.impl
        if isinstance(impl, sa.Float) or not isinstance(impl, sa.Numeric) or impl.precision is None:
            return None, None
        return impl.precision, impl.scale or 0


def refusal(type_: Any, sentence: str) -> PydanticCustomError:
    """Say why a value is refused, as Pydantic does: `must be` is `Input should be`."""
    return PydanticCustomError(type_, "{reason}", {"reason": "Input " + re.sub("^must ", "should ", sentence)})


def null() -> PydanticCustomError:
    """Refuse `None`."""
    return refusal("null", "must not be null")
