"""What can be tuned: frozen limits with safe defaults. Knows no stage."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for.

    Args:
        depth: how deep embeds may nest.
        embeds: how many relations one answer may embed in all.
        embed_rows: rows of a to-many embed for each parent, unless its `limit` says otherwise.
        embed_limit: the largest `limit` of an embed.
        conditions: filters of one request, those in parentheses and in options of embeds included.
        offset: the largest `offset`.
        aggregates: groups and aggregates of one answer.
        shapes: how many request shapes stay compiled.
        rows: rows of one body.
        body: bytes of a body.
        exports: how many exports run at once in one process; one more is a 503. Never so many that no connection is
            left for other requests.
        export_wait: how long an export waits for a client that does not read on (seconds), then it is cut off.
    """

    depth: int = 3
    embeds: int = 20
    embed_rows: int = 100
    embed_limit: int = 1000
    conditions: int = 50
    offset: int = 100_000
    aggregates: int = 10
    shapes: int = 1024
    rows: int = 1000
    body: int = 1_048_576
    exports: int = 2
    export_wait: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """How many connections one process opens, and how long a request waits for one (seconds).

    Args:
        size: connections of generated routes and asynchronous sessions together; `sync_session`, whose driver is
            another one, may open as many again.
        timeout: how long a request waits for a free connection before it is answered with 503.
        connect_timeout: how long opening a connection may take.
        prepared: keep prepared statements between requests. `False` suits PgBouncer before 1.21 in transaction mode;
            `statement_cache_size=0` in a URL says the same.
    """

    size: int = 10
    timeout: float = 2.0
    connect_timeout: float = 5.0
    prepared: bool = True
