"""Registration: what a new user sends, and what becomes of the password."""

from typing import Annotated

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from pydantic import EmailStr, Secret, StringConstraints
from sqlmodel import Field, SQLModel

from onetrip import Change

from .models import User

HASHER = PasswordHasher()  # argon2id with 64 MiB and three passes, about a tenth of a second
AT_ONCE = CapacityLimiter(4)
"""Hashes that are made at the same time: each needs its 64 MiB, and others wait."""


Password = Secret[Annotated[str, StringConstraints(min_length=8, max_length=1024)]]
"""Neither `repr` nor a log shows it."""


class UserCreate(SQLModel):
    """What a new user sends. The password is stored as a hash, and shown to nobody."""

    email: EmailStr
    username: str = Field(min_length=1, max_length=40)
    bio: str | None = None
    password: Password


async def hash_password(change: Change[User]) -> None:
    """Store a hash instead of the password. In a thread, because the event loop has other requests to answer."""
    password: str = change.body.password.get_secret_value()
    change.values["hashed_password"] = await to_thread.run_sync(HASHER.hash, password, limiter=AT_ONCE)
