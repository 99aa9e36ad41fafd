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
    sent, as its model read it, fields that are no columns included; `None` where a row is deleted or restored. `row` is
    the row as it is stored: for `create` there is none before the commit. `scope` is the ASGI scope of the request:
    `Request(change.scope)` reads it. `opens` gives the session.
    """

    action: Action
    opens: Callable[[], AsyncSession]
    body: Any = None
    values: MutableMapping[str, Any] = field(default_factory=dict)
    row: Row | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> AsyncSession:
        """The session in whose transaction the row is written.

        A new row of which no hook asks for it is written by one statement, without a session.
        """
        return self.opens()


Hook = Callable[[Change[Any]], Awaitable[None] | None]
"""`hook(change)`; sync functions are called in the event loop and must not wait for anything."""

Hooks = Hook | Sequence[Hook]


def in_order(hooks: Hooks) -> tuple[Hook, ...]:
    """List hooks that were given as one or as several."""
    return (hooks,) if callable(hooks) else tuple(hooks)
