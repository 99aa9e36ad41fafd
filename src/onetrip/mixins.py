"""What most tables need and every project writes again: ready columns for SQLModel tables.

    class Post(Timestamped, SoftDelete, SQLModel, table=True): ...

Their siblings for SQLAlchemy's declarative classes are in `onetrip.declarative`. Facts only: what a mixin means to
requests is read from the columns (`schema.marks`, `version_id_col`), which a table may as well declare by itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from onetrip.keys import uuid7
from onetrip.schema.marks import DELETED, GENERATED, MARK
from onetrip.schema.uniqueness import unique_among_living
from onetrip.sql.dialects.clock import database_time

KEY: Mapping[str, Any] = {"info": {MARK: GENERATED}}
CREATED: Mapping[str, Any] = {"server_default": database_time(), "info": {MARK: GENERATED}}
UPDATED: Mapping[str, Any] = {**CREATED, "onupdate": database_time()}
VERSION: Mapping[str, Any] = {
    "server_default": sa.text("1"),
    "onupdate": sa.literal_column("version + 1", sa.Integer()),  # for updates that are not the ORM's own
    "info": {MARK: GENERATED},
}
DELETION: Mapping[str, Any] = {"info": {MARK: DELETED}}

_LAST = ("created_at", "updated_at", "version", "deleted_at")


class MapperArguments:
    """What the mixins say to the mapper, together and with what a class says itself."""

    def __init_subclass__(cls, **options: Any) -> None:
        own = vars(cls).get("__mapper_args__")
        if isinstance(own, Mapping):  # would replace what the mixins say
            both = declared_attr.directive(lambda cls: {**_mapper_arguments(cls), **own})
            cls.__mapper_args__ = both  # type: ignore[method-assign]
        super().__init_subclass__(**options)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return _mapper_arguments(cls)


def _mapper_arguments(cls: Any) -> dict[str, Any]:
    """Read what the database sets in the statement that sets it: an asynchronous session cannot read it later."""
    return {"eager_defaults": True, **({"version_id_col": cls.version} if issubclass(cls, CountsChanges) else {})}


class CountsChanges(MapperArguments):
    """Has the ORM compare and increase the column `version`."""


class UniqueAmongLiving:
    """Makes what is unique in a table unique among the rows that were not deleted."""

    @classmethod
    def __table_cls__(cls, *arguments: Any, **options: Any) -> sa.Table:
        make: Any = getattr(super(), "__table_cls__", sa.Table)
        table: sa.Table = make(*arguments, **options)
        unique_among_living(table)
        return table


class _Columns(MapperArguments, SQLModel):
    """Columns that stand behind those of the table itself."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        fields = cls.__pydantic_fields__
        for name in _LAST:
            if name in fields:
                fields[name] = fields.pop(name)


class UUIDKey(_Columns):
    """`id`: a UUID of version 7 as the primary key, which grows with time. Not for clients to choose."""

    id: UUID = Field(default_factory=uuid7, primary_key=True, sa_column_kwargs=KEY)


class Timestamped(_Columns):
    """`created_at` and `updated_at` in UTC, by the database's clock. Not for clients to write."""

    created_at: datetime = Field(default=None, nullable=False, sa_type=UTCDateTime, sa_column_kwargs=CREATED)
    updated_at: datetime = Field(default=None, nullable=False, sa_type=UTCDateTime, sa_column_kwargs=UPDATED)


class Versioned(CountsChanges, _Columns):
    """`version`: counts the changes of a row, so that nobody overwrites one unseen. Not for clients to write."""

    version: int = Field(default=1, nullable=False, sa_column_kwargs=VERSION)


class SoftDelete(UniqueAmongLiving, _Columns):
    """`deleted_at`: set by a deletion, which leaves the row in its table. Whatever reads does not find it any more.

    What is unique is so among the rows that are left.
    """

    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime, sa_column_kwargs=DELETION)
