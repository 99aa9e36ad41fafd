"""What a user says about a table beyond the table itself: `Resource(User, hidden=["email"], max_limit=100)`.

Plain frozen data; `schema.derive` reads it.
"""

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from pydantic import BaseModel

from onetrip.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Resource:
    """A table that is served, and how.

    Args:
        model: a SQLModel table class or a SQLAlchemy 2 declarative class.
        path: the path segment, instead of `__tablename__` or the kebab-case plural of the class name.
        read: a hand-written Pydantic model that decides what is shown, relations included.
        create: a hand-written model of what may be created; wins over the derived one.
        update: a hand-written model of what may be changed; wins over the derived one.
        hidden: attribute names of columns that never leave the database.
        exposed: attribute names of columns to show although their name looks like a secret.
        default_limit: rows of a list when the client does not say.
        max_limit: rows of a list at most.
        tags: OpenAPI tags; the path segment by default.

    Raises `ConfigurationError` for options that contradict each other.
    """

    model: type[Any]
    _: KW_ONLY
    path: str | None = None
    read: type[BaseModel] | None = None
    create: type[BaseModel] | None = None
    update: type[BaseModel] | None = None
    hidden: Sequence[str] = ()
    exposed: Sequence[str] = ()
    default_limit: int = 50
    max_limit: int = 1000
    tags: Sequence[str] = ()

    def __post_init__(self) -> None:
        name = getattr(self.model, "__name__", repr(self.model))
        if self.path is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", self.path):
            raise ConfigurationError(f"Resource({name}, path={self.path!r}): a path is one segment without slashes.")
        if not 0 < self.default_limit <= self.max_limit:
            raise ConfigurationError(
                f"Resource({name}): default_limit={self.default_limit} must be from 1 to max_limit={self.max_limit}."
            )
        both = set(self.hidden) & set(self.exposed)
        if both:
            raise ConfigurationError(f"Resource({name}): {sorted(both)} are both hidden and exposed.")
