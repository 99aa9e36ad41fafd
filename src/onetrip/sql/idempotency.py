"""Idempotency keys in the table `onetrip_idempotency`: claim a key, find its answer, store it, forget old ones.

A key is claimed in the transaction of the write: whoever comes second waits for the first at the primary key, and then
finds the answer.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from onetrip.sql.dialects.clock import database_time
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.own import idempotency as table
from onetrip.sql.read import compiled
from onetrip.sql.statement import Statement, placeholder

WAIT_SECONDS = 5
"""How long a second request waits for the first one."""


@dataclass(frozen=True, slots=True)
class KeyStatements:
    """Statements over the keys. Their values: caller, key, request, and for `store` the answer.

    `wait` bounds how long a statement waits for a lock, where that is not a setting of the connection. `claim` answers
    a row when the key is new, or is older than the keys that are kept. `find` answers the request and the answer that
    belong to it: 64 characters, and what follows them.
    """

    wait: Statement | None
    claim: Statement
    find: Statement
    store: Statement
    forget: Statement


def key_statements(dialect: Dialect, kept: timedelta) -> KeyStatements:
    """Compile the statements for a dialect; `kept` is how long an answer is kept."""
    caller, key, request = (dialect.parameter(placeholder(number), sa.String()) for number in range(3))
    old = table.c.created_at < dialect.ago(kept)
    mine = sa.and_(table.c.caller == caller, table.c.key == key)
    claim: Any = dialect.insert(table).values(caller=caller, key=key, request=request, created_at=database_time())
    claim = claim.on_conflict_do_update(
        index_elements=[table.c.caller, table.c.key],
        set_={"request": claim.excluded.request, "created_at": claim.excluded.created_at, "answer": None},
        where=old,
    )
    answer = dialect.parameter(placeholder(3), sa.LargeBinary())
    wait = dialect.wait_at_most(WAIT_SECONDS)
    return KeyStatements(
        wait=None if wait is None else compiled(wait, dialect),
        claim=compiled(claim.returning(sa.literal_column("1")), dialect),
        find=compiled(sa.select(dialect.bytes_of(table.c.request, table.c.answer)).where(mine), dialect),
        store=compiled(sa.update(table).where(mine).values(answer=answer).returning(sa.literal_column("1")), dialect),
        forget=compiled(sa.delete(table).where(old).returning(sa.literal_column("1")), dialect),
    )
