"""Which unique keys `on_conflict` can name."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from onetrip import API, Resource
from onetrip.plan.upsert import unique_keys
from tests.schema.serving import base

Base = base()


def keys(model: Any, **options: Any) -> list[tuple[str, ...]]:
    """List the keys of a table, as PostgreSQL has them."""
    api = API(Resource(model, **options), database="postgresql://nowhere/nothing")
    (resource,) = api.schema.resources.values()
    return list(unique_keys(resource))


class Account(Base, table=True):
    __tablename__ = "upsert_account"
    __table_args__ = (
        sa.UniqueConstraint("late", deferrable=True, initially="DEFERRED"),
        sa.UniqueConstraint("team", "number"),
        sa.Index("some_emails", "email", unique=True, postgresql_where=sa.text("number > 0")),
        sa.Index("folded", sa.text("lower(email)"), unique=True),
    )
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, alias="mail")
    late: int = 0
    team: str | None = None
    number: int
    secret_token: str = Field(default="", unique=True)


class Slug(Base, table=True):
    __tablename__ = "upsert_slug"
    slug: str = Field(primary_key=True)
    text: str


def test_keys_are_what_a_client_sees_and_sends() -> None:
    """Not what is numbered, hidden, deferrable or of expressions; under public names, the whole index before a part."""
    assert keys(Account) == [("team", "number"), ("mail",)]
    assert keys(Account, hidden=["team"]) == [("mail",)]
    assert keys(Slug) == [("slug",)]


def test_the_key_without_a_condition_comes_first() -> None:
    api = API(Account, database="postgresql://nowhere/nothing")
    (resource,) = api.schema.resources.values()
    assert unique_keys(resource)["mail",].where is None


def test_rows_that_hooks_see_have_none() -> None:
    for hook in ("before_create", "before_update"):
        assert keys(Slug, **{hook: lambda change: None}) == []
    assert keys(Slug, before_delete=lambda change: None) == [("slug",)]
