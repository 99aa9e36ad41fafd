from typing import Any

import pytest
from pydantic import BaseModel
from sqlmodel import Field, SQLModel

from onetrip import ConfigurationError, Resource


class User(SQLModel):
    id: int = Field(primary_key=True)


class UserRead(BaseModel):
    id: int


SEGMENT = "write letters, digits, '-', '_', '.' or '~', and no slash."


@pytest.mark.parametrize(
    "options",
    [
        {}, {"path": "people"}, {"path": "v1.people_~-x"}, {"path": "größe"}, {"max_limit": 1}, {"default_limit": 1000},
        {"default_limit": 5, "max_limit": 5}, {"read": UserRead, "hidden": ["x"]}, {"read": User, "create": UserRead},
        {"hidden": ("a",), "exposed": {"b"}}, {"tags": ["a", "b"]},
    ],
)  # fmt: skip
def test_valid(options: dict[str, Any]) -> None:
    """Options that go together make a resource."""
    resource = Resource(User, **options)
    assert 0 < resource.limit <= resource.max_limit


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        *(
            ({"path": path}, f"path={path!r} is not a path segment: {SEGMENT}")
            for path in ("", "a/b", "/users", "a b", ".", "..", "users:aggregate", "a%20b", "a?b", "{id}")
        ),
        ({"default_limit": 0}, "default_limit=0 must be from 1 to max_limit=1000."),
        ({"default_limit": 1001}, "default_limit=1001 must be from 1 to max_limit=1000."),
        ({"max_limit": 0}, "default_limit=0 must be from 1 to max_limit=0."),
        ({"max_limit": -5}, "default_limit=-5 must be from 1 to max_limit=-5."),
        ({"max_limit": "9"}, "default_limit=None and max_limit='9' must be whole numbers."),
        ({"default_limit": 2.5}, "default_limit=2.5 and max_limit=1000 must be whole numbers."),
        ({"default_limit": True}, "default_limit=True and max_limit=1000 must be whole numbers."),
        ({"hidden": "email"}, "hidden='email' is one string: write hidden=['email']."),
        ({"tags": "people"}, "tags='people' is one string: write tags=['people']."),
        ({"hidden": ["b", "a"], "exposed": ["a", "b", "c"]}, "a, b cannot be both hidden and exposed."),
        (
            {"read": UserRead, "exposed": ["token"]},
            "exposed=['token'] does nothing beside read=UserRead, which says what is shown.",
        ),
        ({"read": dict}, "read=<class 'dict'> is not a Pydantic model: give a class that inherits from BaseModel."),
        ({"create": "x"}, "create='x' is not a Pydantic model: give a class that inherits from BaseModel."),
    ],
)  # fmt: skip
def test_refused(options: dict[str, Any], problem: str) -> None:
    """An option that cannot be meant is refused where it is written, with what to write instead."""
    with pytest.raises(ConfigurationError) as refused:
        Resource(User, **options)
    assert str(refused.value) == f"Resource(User): {problem}"


def test_a_table_is_no_schema() -> None:
    """A table class as a schema would show every column, hidden ones too."""

    class Account(SQLModel, table=True):
        __tablename__ = "declaration_account"
        id: int = Field(primary_key=True)

    for option in ("read", "create", "update"):
        with pytest.raises(ConfigurationError) as refused:
            Resource(User, **{option: Account})  # type: ignore[arg-type]
        assert str(refused.value) == (
            f"Resource(User): {option}=Account is a table: give a model without table=True, or leave it out."
        )
