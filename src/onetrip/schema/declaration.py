"""What a user says about a table beyond the table itself: `Resource(User, hidden=["email"], max_limit=100)`.

Plain frozen data; `schema.derive` reads it. What can be judged without the table is judged here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from pydantic import BaseModel

from onetrip.errors import ConfigurationError
from onetrip.hooks import Hooks

DEFAULT_LIMIT = 50
"""Rows of a list when nobody says, or `max_limit` if that is less."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A table that is served, and how.

    Args:
        model: a SQLModel table class or a SQLAlchemy 2 declarative class.
        path: the path segment, instead of the table's name where the class chose one, or the kebab-case plural of the
            class name.
        read: a hand-written Pydantic model that decides what is shown, relations included.
        create: a hand-written model of what may be created; wins over the derived one.
        update: a hand-written model of what may be changed; wins over the derived one.
        hidden: attribute names of columns that never leave the database, and of relations that are not served.
        exposed: attribute names of columns to show although their name looks like a secret or they are excluded.
        default_limit: rows of a list when the client does not say; 50, or `max_limit` if that is less.
        max_limit: rows of a list at most.
        aggregate: serve `/{path}:aggregate`, which counts rows and sums columns, by groups.
        require_if_match: rows are only changed with `If-Match`, else 428; their table needs a version column.
        bulk: serve PATCH and DELETE of the collection, for the rows that filters choose.
        bulk_limit: rows of one such request at most; more are refused as a whole.
        increments: attribute names of numbers to which PATCH can add: `{"views": {"$inc": 1}}`.
        nested: names of relations whose rows may be written in the body of a row: `{"title": …, "comments": [{…}]}`.
        export: serve all rows of it as NDJSON and CSV, where a client accepts those.
        search: attribute names of text columns that `q=` searches; with weights as `{"title": "A", "content": "B"}`.
        search_language: the language of their texts, instead of that of the API.
        history: write down every change of a row, in the same transaction; read at `/{path}/{key}/history`.
        before_create, before_update, before_delete, before_restore: hooks, called in the transaction of the write; see
            `Change`.
        after_commit: hooks that are called when a write is committed; what they raise is logged.
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
    default_limit: int | None = None
    max_limit: int = 1000
    aggregate: bool = True
    require_if_match: bool = False
    bulk: bool = False
    bulk_limit: int = 1000
    increments: Sequence[str] = ()
    nested: Sequence[str] = ()
    export: bool = True
    search: Sequence[str] | Mapping[str, str] = ()
    search_language: str | None = None
    history: bool = False
    before_create: Hooks = ()
    before_update: Hooks = ()
    before_delete: Hooks = ()
    before_restore: Hooks = ()
    after_commit: Hooks = ()
    tags: Sequence[str] = ()

    def __post_init__(self) -> None:
        for problem in (self._path(), self._models(), self._names(), self._limits(), self._search()):
            if problem:
                raise ConfigurationError(f"Resource({getattr(self.model, '__name__', repr(self.model))}): {problem}")

    @property
    def limit(self) -> int:
        """Rows of a list when the client does not say."""
        return min(DEFAULT_LIMIT, self.max_limit) if self.default_limit is None else self.default_limit

    def _path(self) -> str | None:
        if self.path is None or (re.fullmatch(r"[\w.~-]+", self.path) and self.path not in (".", "..")):
            return None
        return f"path={self.path!r} is not a path segment: write letters, digits, '-', '_', '.' or '~', and no slash."

    def _models(self) -> str | None:
        for option in ("read", "create", "update"):
            model = getattr(self, option)
            if model is None:
                continue
            if not isinstance(model, type) or not issubclass(model, BaseModel):
                return f"{option}={model!r} is not a Pydantic model: give a class that inherits from BaseModel."
            if model.model_config.get("table"):
                return f"{option}={model.__name__} is a table: give a model without table=True, or leave it out."
        return None

    def _names(self) -> str | None:
        for option in ("hidden", "exposed", "increments", "nested", "search", "tags"):
            if isinstance(given := getattr(self, option), str):
                return f"{option}={given!r} is one string: write {option}=[{given!r}]."
        if both := sorted({*self.hidden} & {*self.exposed}):
            return f"{', '.join(both)} cannot be both hidden and exposed."
        if self.exposed and self.read is not None:
            return (
                f"exposed={list(self.exposed)} does nothing beside read={self.read.__name__}, which says what is shown."
            )
        return None

    def _search(self) -> str | None:
        if self.search_language is not None and not self.search:
            return f"search_language={self.search_language!r} does nothing without search=."
        weights = self.search.values() if isinstance(self.search, Mapping) else ()
        if wrong := [weight for weight in weights if weight not in ("A", "B", "C", "D")]:
            return f"{wrong[0]!r} is not a weight of a column: write 'A' for the greatest, 'B', 'C', or 'D'."
        return None

    def _limits(self) -> str | None:
        given = (self.max_limit, *(() if self.default_limit is None else (self.default_limit,)))
        if any(isinstance(limit, bool) or not isinstance(limit, int) for limit in given):
            return f"default_limit={self.default_limit!r} and max_limit={self.max_limit!r} must be whole numbers."
        if not 0 < self.limit <= self.max_limit:
            return f"default_limit={self.limit} must be from 1 to max_limit={self.max_limit}."
        if isinstance(self.bulk_limit, bool) or not isinstance(self.bulk_limit, int) or self.bulk_limit < 1:
            return f"bulk_limit={self.bulk_limit!r} must be a whole number from 1."
        if self.bulk and self.require_if_match:
            return "bulk=True contradicts require_if_match=True: 'If-Match' names the version of one row."
        return None
