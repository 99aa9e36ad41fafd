"""The database's own clock, as an expression that can be a default, and as it is stored."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime


class database_time(FunctionElement[datetime]):
    """The moment of a statement (PostgreSQL: of its transaction) by the database's clock, in UTC."""

    type = UTCDateTime()
    inherit_cache = True


@compiles(database_time)
def _standard(element: database_time, compiler: Any, **_: Any) -> str:
    return "CURRENT_TIMESTAMP"


@compiles(database_time, "sqlite")
def _sqlite(element: database_time, compiler: Any, **_: Any) -> str:
    """SQLAlchemy stores six digits of a second, and compares text; SQLite's clock gives three."""
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
