"""Tables of every kind differ in nothing right after they were created: a difference that is none would never end."""

import pytest
import sqlalchemy as sa
from codeclash import models
from sqlmodel import Field

from onetrip import SoftDelete, Timestamped, UUIDKey, Versioned
from onetrip.sql.own import own_metadata
from tests.http import filtering, linked, manifold, reading, world, writing
from tests.migrations.comparing import NOTHING, generate
from tests.schema import serving
from tests.support import blog
from tests.support.databases import Backend

METADATA = {
    "CodeClash": models.User.metadata,
    "onetrip's own": own_metadata,
    "world": world.Base.metadata,
    "blog": blog.Post.metadata,
    "linked": linked.Base.metadata,
    "manifold": manifold.metadata,
    "filtering": filtering.Base.metadata,
    "reading": reading.metadata,
    "writing": writing.Base.metadata,
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
def test_tables_that_were_just_created_do_not_differ(metadata: sa.MetaData, database: Backend) -> None:
    database.create(metadata)
    assert generate(database, metadata)[0].strip() == NOTHING


def test_own_tables_and_those_of_the_project_come_together(database: Backend) -> None:
    """And a script names no class of SQLModel or of ours, so that it outlives them."""
    Base = serving.base()

    class Paper(UUIDKey, Timestamped, Versioned, SoftDelete, Base, table=True):  # type: ignore[misc, valid-type]
        title: str = Field(max_length=20, unique=True)

    up, _ = generate(database, Paper.metadata, own_metadata)
    for name in ("paper", "onetrip_idempotency", "onetrip_history"):
        assert f"create_table('{name}'" in up
    assert "sqlmodel" not in up and "onetrip." not in up and "AutoString" not in up
