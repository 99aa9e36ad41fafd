"""What a user's own code does beside a write: the type of hooks, and what they are given.

A hook is a function, asynchronous or not, that takes a `Change`. Before the change it may alter `values`, use the
session (the same transaction), or refuse by raising a `Problem` or FastAPI's `HTTPException`; after the commit it can
no longer fail the request.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

Row = TypeVar("Row")

Action = Literal["create", "update", "delete", "restore"]


@dataclass(slots=True, kw_only=True)
class Change(Generic[Row]):
    """One row that is about to be written, or was.

    `values` are what its columns will be set to, by attribute: change, add or remove them. `body` is what the client
    sent, as its model read it, fields that are no columns included; `None` where a row is deleted or restored. `scope`
    is the ASGI scope of the request: `Request(change.scope)` reads it. `opens` gives the session, and `loads` the row.

    A row of which no hook asks for `session` or `load()` is written by one statement.
    """

    action: Action
    opens: Callable[[], AsyncSession]
    loads: Callable[[], Awaitable[Row]] | None = None
    body: Any = None
    values: MutableMapping[str, Any] = field(default_factory=dict)
    scope: Mapping[str, Any] = field(default_factory=dict)
    stored: Row | None = None

    @property
    def session(self) -> AsyncSession:
        """The session in whose transaction the row is written."""
        return self.opens()

    async def load(self) -> Row:
        """Read the row that is about to be changed or deleted, in the session, and keep others from changing it.

        Raises `NotFound` and `PreconditionFailed`, which are the answer to the request, and RuntimeError for a new row.
        """
        if self.stored is None:
            if self.loads is None:
                raise RuntimeError("A new row is not stored yet: what it will be is in change.values.")
            self.stored = await self.loads()
        return self.stored

    @property
    def row(self) -> Row | None:
        """The row as it is stored, after the commit or `load()`; `None` for one that is not created yet.

        Raises RuntimeError for a row that has not been read.
        """
        if self.stored is None and self.loads is not None:
            raise RuntimeError("The row has not been read: in an async hook, 'row = await change.load()' does it.")
        return self.stored


Hook = Callable[[Change[Any]], Awaitable[None] | None]
"""`hook(change)`; sync functions are called in the event loop and must not wait for anything."""

Hooks = Hook | Sequence[Hook]


def in_order(hooks: Hooks) -> tuple[Hook, ...]:
    """List hooks that were given as one or as several."""
    return (hooks,) if callable(hooks) else tuple(hooks)
