"""What is sent and answered about users: Pydantic, apart from the tables."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, EmailStr, Field

Name = Annotated[str, Field(min_length=1, max_length=100)]


class UserCreate(BaseModel):
    """A new user."""

    email: EmailStr
    name: Name


class UserUpdate(BaseModel):
    """What may be changed. What is not sent stays as it is, so no field says what it would be otherwise."""

    email: EmailStr | None = None
    name: Name | None = None
    bio: str | None = None


class UserOut(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: EmailStr
    name: str
    bio: str | None
    created_at: datetime
