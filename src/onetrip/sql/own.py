"""onetrip's own tables, and nothing else: `onetrip_*`, in one `MetaData`.

They come with migrations, with `onetrip serve` on a database that it creates, or with `onetrip db install`.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel.sql.sqltypes import UTCDateTime

from onetrip.sql.dialects.clock import database_time

own_metadata = sa.MetaData()

idempotency = sa.Table(
    "onetrip_idempotency",
    own_metadata,
    sa.Column("caller", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("created_at", UTCDateTime(), nullable=False, server_default=database_time(), index=True),
)
"""`caller` and `request` are SHA-256 of who asks and of what; `answer` is the whole answer, NULL while it is made."""


class _Own(DeclarativeBase):
    metadata = own_metadata


class OnetripHistory(_Own):
    """One change of a row, as it was written down in the same transaction."""

    __tablename__ = "onetrip_history"
    __table_args__ = (sa.Index("ix_onetrip_history_row", "resource", "key", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    resource: Mapped[str] = mapped_column(sa.Text, doc="The path of the resource")
    key: Mapped[str] = mapped_column(sa.Text, doc="The key of the row, as a JSON array")
    action: Mapped[str] = mapped_column(sa.String(20), doc="`create`, `update`, `replace`, `delete` or `restore`")
    at: Mapped[datetime] = mapped_column(UTCDateTime(), server_default=database_time(), doc="When, by the database")
    who: Mapped[str | None] = mapped_column(sa.Text, doc="Who made the change, where the API knows")
    request_id: Mapped[str | None] = mapped_column(sa.Text, doc="The `X-Request-ID` of the request")
    changes: Mapped[Any] = mapped_column(sa.JSON, nullable=False, doc="Column → `[before, after]`, or `***`")
