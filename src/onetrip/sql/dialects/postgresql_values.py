"""As what values travel to PostgreSQL: drivers would round some of them, and take others for something else."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlmodel.sql.sqltypes import UTCDateTime


def sent(type_: sa.types.TypeEngine[Any]) -> tuple[sa.types.TypeEngine[Any], sa.types.TypeEngine[Any] | None]:
    """Say as what a value of a type is sent, and to what it is cast then, if it is."""
    if isinstance(type_, sa.Date | sa.DateTime | UTCDateTime):
        return _ISO(), type_
    if isinstance(type_, pg.CITEXT) or (isinstance(type_, sa.Enum) and type_.native_enum):
        return _AsText(type_), type_  # asyncpg would first ask what type it is
    if isinstance(type_, pg.INTERVAL) or (isinstance(type_, sa.Interval) and type_.native):
        return pg.INTERVAL(), None
    if isinstance(type_, sa.Float):
        return sa.Float(), None
    if isinstance(type_, sa.Numeric):
        return sa.Numeric(), None
    return type_, None


class _AsText(sa.types.TypeDecorator[Any]):
    """The text of a value of another type."""

    impl = sa.Text
    cache_ok = False

    def __init__(self, of: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def copy(self, **options: Any) -> "_AsText":
        """Make another one."""
        return _AsText(self.of)

    def bind_processor(self, dialect: Any) -> Any:
        """Write values as the other type does."""
        return self.of.dialect_impl(dialect).bind_processor(dialect)


class _ISO(sa.types.TypeDecorator[Any]):
    """A date or moment that travels as ISO 8601."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else str(value.isoformat())
