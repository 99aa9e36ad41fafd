"""What can be tuned: frozen limits with safe defaults. Knows no stage."""

from dataclasses import dataclass

from onetrip.errors import ConfigurationError

_LEAST = 0.001  # PostgreSQL counts milliseconds, and takes none for no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for.

    Args:
        depth: how deep embeds may nest.
        embeds: how many relations one answer may embed in all.
        embed_rows: rows of a to-many embed for each parent, unless its `limit` says otherwise.
        embed_limit: the largest `limit` of an embed.
        conditions: filters of one request, those in parentheses and in options of embeds included.
        values: values of one list of a filter (`id__in=1,2,3`).
        value_length: characters of one value in a query string; cursors have a bound of their own.
        cost: how many rows one answer could hold at most, by the limits of its list and of its embeds.
        offset: the largest `offset`.
        aggregates: groups and aggregates of one answer.
        shapes: how many request shapes stay compiled.
        rows: rows of one body.
        body: bytes of a body.
        exports: how many exports run at once in one process; one more is a 503. Never so many that no connection is
            left for other requests.
        statement_timeout: how long one statement of a generated route may run (seconds), then it is ended, and the
            answer is a 503; `None` for as long as it takes. It is no limit of sessions.
        export_wait: how long an export waits for a client that does not read on (seconds), then it is cut off.
    """

    depth: int = 3
    embeds: int = 20
    embed_rows: int = 100
    embed_limit: int = 1000
    conditions: int = 50
    values: int = 500
    value_length: int = 4096
    cost: int = 1_000_000_000
    offset: int = 100_000
    aggregates: int = 10
    shapes: int = 1024
    rows: int = 1000
    body: int = 1_048_576
    statement_timeout: float | None = 30.0
    exports: int = 2
    export_wait: float = 30.0

    def __post_init__(self) -> None:
        if self.statement_timeout is not None and self.statement_timeout < _LEAST:
            raise ConfigurationError(
                f"Limits(statement_timeout=…) is {_LEAST} seconds at least, or None for no limit, not"
                f" {self.statement_timeout}."
            )


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
