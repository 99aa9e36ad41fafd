"""Requests that are made once: a key, what was asked with it, and the answer, in the transaction of the write.

Draft https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header: the client names its request; when it
comes again, because its answer was lost, it gets the same answer, byte for byte, and nothing is written twice. Of two
at the same time the second waits for the first.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from random import randrange
from typing import NamedTuple

from pydantic_core import from_json, to_json

from onetrip.db.database import Database
from onetrip.db.runner import Execute, Locked
from onetrip.errors import Broken, Conflict, Invalid
from onetrip.http.answer import Answer
from onetrip.http.request import Headers
from onetrip.sql.idempotency import KeyStatements, key_statements
from onetrip.sql.statement import SEPARATOR

KEPT = timedelta(hours=24)
"""How long an answer is kept."""

_HEADER = b"idempotency-key"
_KEY = re.compile(rb"[!-~]{1,255}")
_LOC = ("header", "Idempotency-Key")
_DIGITS = 64  # of a SHA-256
_FORGET_ONE_IN = 100


class Key(NamedTuple):
    """The key of a request: who asks, the key, and a digest of all that was asked."""

    caller: str
    key: str
    request: str


def key_of(method: str, path: bytes, query_string: bytes, headers: Headers, body: bytes) -> Key | None:
    """Read the key of a request, `None` when it has none. Raises `Invalid`.

    The caller is told by `Authorization` and `Cookie`, so that nobody gets the answer to somebody else.
    """
    found = [value for name, value in headers if name == _HEADER]
    if not found:
        return None
    text = found[0].strip(b'"')
    if len(found) > 1 or not _KEY.fullmatch(text):
        raise Invalid.at(_LOC, "An idempotency key is 1 to 255 visible ASCII characters, sent once.", "value_error")
    told = [value for name, value in headers if name in (b"authorization", b"cookie")]
    wanted = [name + value for name, value in headers if name in (b"if-match", b"if-none-match")]
    return Key(_digest(*told), text.decode(), _digest(method.encode(), path, query_string, body, *wanted))


def _digest(*parts: bytes) -> str:
    return sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()


class Keys:
    """The keys of one database. Without `kept` there are none, and a request that has one is refused."""

    def __init__(self, database: Database, kept: timedelta | None) -> None:
        self.statements: KeyStatements | None = None if kept is None else key_statements(database.dialect, kept)

    async def once(self, key: Key, execute: Execute, change: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a change in an open transaction and store its answer, or find the one that was given before.

        Raises `Invalid` when the key was used for something else, `Conflict` when the first request takes too long.
        """
        statements = self._statements()
        if statements.wait is not None:
            await execute(statements.wait.text, ())
        try:
            claimed = await execute(statements.claim.text, statements.claim.bind(key))
        except Locked as error:
            raise Conflict(
                "The first request with this idempotency key is still at work.", headers={"Retry-After": "1"}
            ) from error
        except Broken as error:
            raise _unkept() from error
        if claimed is None:
            return await self._found(key, execute, statements)
        answer = await change()
        await execute(statements.store.text, statements.store.bind((*key, _written(answer))))
        if randrange(_FORGET_ONE_IN) == 0:
            await execute(statements.forget.text, statements.forget.bind(()))
        return answer

    async def _found(self, key: Key, execute: Execute, statements: KeyStatements) -> Answer:
        row = await execute(statements.find.text, statements.find.bind(key))
        assert row is not None
        if row[0][:_DIGITS].decode() != key.request:
            raise Invalid.at(
                _LOC, "This idempotency key was used for another request.", "reused", "Make a new key for each request."
            )
        return _read(row[0][_DIGITS:])

    def _statements(self) -> KeyStatements:
        if self.statements is None:
            raise _unkept()
        return self.statements


def _unkept() -> Invalid:
    return Invalid.at(_LOC, "Idempotency keys are not kept here.", "unsupported", "Leave the header out.")


def _written(answer: Answer) -> bytes:
    head = to_json(
        [answer.status, [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]]
    )
    return head + SEPARATOR + answer.body


def _read(stored: bytes) -> Answer:
    head, _, body = stored.partition(SEPARATOR)
    status, headers = from_json(head)
    return Answer(status, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers], body)
