"""The mixins for SQLAlchemy's declarative classes: columns and meaning are those of `onetrip.mixins`.

class Post(Timestamped, SoftDelete, Base): ...
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column
from sqlmodel.sql.sqltypes import UTCDateTime

from onetrip.keys import uuid7
from onetrip.mixins import CREATED, DELETION, KEY, UPDATED, VERSION, CountsChanges, MapperArguments, UniqueAmongLiving

_FIRST, _LAST = -100, 100


class UUIDKey(MapperArguments):
    """`id`: a UUID of version 7 as the primary key, which grows with time. Not for clients to choose."""

    id: Mapped[UUID] = mapped_column(default=uuid7, primary_key=True, sort_order=_FIRST, **KEY)


class Timestamped(MapperArguments):
    """`created_at` and `updated_at` in UTC, by the database's clock. Not for clients to write."""

    created_at: Mapped[datetime] = mapped_column(UTCDateTime(), sort_order=_LAST, **CREATED)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime(), sort_order=_LAST + 1, **UPDATED)


class Versioned(CountsChanges):
    """`version`: counts the changes of a row, so that nobody overwrites one unseen. Not for clients to write."""

    version: Mapped[int] = mapped_column(default=1, sort_order=_LAST + 2, **VERSION)


class SoftDelete(UniqueAmongLiving, MapperArguments):
    """`deleted_at`: set by a deletion, which leaves the row in its table. Whatever reads does not find it any more.

    What is unique is so among the rows that are left.
    """

    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime(), sort_order=_LAST + 3, **DELETION)
