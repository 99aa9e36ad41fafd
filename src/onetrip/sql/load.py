"""Carried values → Python: what the ORM would have read of a column, from what `Dialect.carry` wrote of it."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper

from onetrip.schema import parsers
from onetrip.schema.model import Field
from onetrip.schema.types import FieldType

Load = Callable[[Any], Any]


def loader(field: Field, mapper: Mapper[Any], dialect: Dialect) -> Load:
    """Make the function that reads a column's value from what was carried, as the ORM would have from the driver."""
    load = _reader(field.type, mapper.column_attrs[field.attribute].columns[0].type.dialect_impl(dialect), dialect)
    return load if field.type.decorated else lambda value: None if value is None else load(value)


def _reader(type_: FieldType, stored: sa.types.TypeEngine[Any], dialect: Dialect) -> Load:
    """Make the function that reads a value of one type; a decorator reads what its own type has read, NULL included."""
    if isinstance(stored, sa.PickleType):
        unpickle: Any = stored.result_processor(dialect, None)  # type: ignore[no-untyped-call]
        return lambda value: unpickle(None if value is None else urlsafe_b64decode(value))
    if isinstance(stored, sa.types.TypeDecorator) and type_.decorated:
        plain, inner = replace(type_, decorated=False), stored.impl_instance
        read = _reader(type_ if isinstance(inner, sa.types.TypeDecorator) else plain, inner, dialect)
        if type(stored).process_result_value is sa.types.TypeDecorator.process_result_value:
            return read
        return lambda value: stored.process_result_value(None if value is None else read(value), dialect)
    if type_.kind == "array":
        item = _reader(type_.item, stored.item_type.dialect_impl(dialect), dialect)  # type: ignore[arg-type,attr-defined]
        return lambda value: _items(item, value)
    if type_.kind == "enum":
        return stored.result_processor(dialect, None) or _same
    if type_.kind == "decimal" and not type_.native:
        return lambda value: Decimal(f"{float(value):.{type_.rounded}f}")
    return type_.python if type_.kind == "uuid" else _READERS[type_.kind]


def _items(read: Load, value: Any) -> Any:
    """Read the items of an array of any depth."""
    return [_items(read, item) for item in value] if isinstance(value, list) else None if value is None else read(value)


def _same(value: Any) -> Any:
    return value


_READERS: dict[str, Load] = {
    **dict.fromkeys(("integer", "string", "boolean", "json", "other", "address"), _same),
    "base64": urlsafe_b64decode,
    "bytes": str.encode,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "decimal": Decimal,
    "duration": parsers.duration,
    "float": float,
    "local_datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "zoned_time": time.fromisoformat,
}
