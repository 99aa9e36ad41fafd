"""What can be tuned: frozen limits with safe defaults. Knows no stage."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for.

    Args:
        depth: how deep embeds may nest.
        embeds: how many relations one answer may embed in all.
        embed_rows: rows of a to-many embed for each parent.
        offset: the largest `offset`.
        shapes: how many request shapes stay compiled.
    """

    depth: int = 3
    embeds: int = 20
    embed_rows: int = 100
    offset: int = 100_000
    shapes: int = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """How many connections are opened, and how long a request waits for one (seconds).

    Args:
        size: connections in all, sessions and generated routes together.
        timeout: how long a request waits for a free connection before it is answered with 503.
        connect_timeout: how long opening a connection may take.
    """

    size: int = 10
    timeout: float = 2.0
    connect_timeout: float = 5.0
