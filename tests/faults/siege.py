"""The kill test: clients write without a pause while the server is killed and started; then the rows are counted."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from onetrip import API
from tests.faults.client import Client, Lost
from tests.faults.server import Server
from tests.faults.tables import TABLES, Base
from tests.support.databases import Backend

LATEST = 0.05
"""Seconds after it is due within which a kill comes: some hundred writes, so that it finds each in another state."""


@dataclass(frozen=True)
class Siege:
    """How many writes must be acknowledged and how often the server is killed meanwhile.

    Every fourth write is an array of `rows`. With `keyed`, each has an `Idempotency-Key` and is sent until it is
    acknowledged; without, each is sent once.
    """

    writes: int
    kills: int
    clients: int = 16
    rows: int = 10
    keyed: bool = False


@dataclass
class Ledger:
    """What the clients know: how many rows they sent under which tag, and what they were told."""

    sent: dict[str, int] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)
    unanswered: int = 0
    kills: int = 0

    def verdict(self, stored: Mapping[str, int]) -> list[str]:
        """Say what is wrong with the rows that are stored, counted by tag; nothing if nothing is."""
        found = list(self.unexpected)
        for tag, count in stored.items():
            if tag not in self.sent:
                found.append(f"{tag} was never sent, and is stored")
            elif count > self.sent[tag]:
                found.append(f"{tag} was written more than once: {count} rows of {self.sent[tag]}")
            elif count < self.sent[tag]:
                found.append(f"{tag} was written in part: {count} rows of {self.sent[tag]}")
        return found + [f"{tag} was acknowledged, and is lost" for tag in sorted(self.acknowledged - stored.keys())]

    def summary(self, stored: Mapping[str, int]) -> str:
        """Say in one line what happened."""
        unknown = self.sent.keys() - self.acknowledged
        return (
            f"{len(self.acknowledged):,} writes acknowledged across {self.kills} kills; {self.unanswered:,} requests "
            f"without an answer; {len(unknown):,} writes unknown, {len(unknown & stored.keys()):,} of them stored; "
            f"{sum(stored.values()):,} rows"
        )


def prepare(backend: Backend, siege: Siege) -> None:
    """Create the tables that a siege needs; a file in WAL mode, which is what `onetrip serve` creates."""
    if backend.name == "sqlite":
        with backend.engine().connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    backend.create(Base.metadata)
    if siege.keyed:
        backend.create(API(*TABLES, database=backend.url).own_tables)


async def besiege(server: Server, siege: Siege) -> Ledger:
    """Let clients write while the server is killed and started again, until both have happened often enough."""
    ledger, door = Ledger(), asyncio.Queue[int](1)  # holds the port while the server is there
    door.put_nowait(await asyncio.to_thread(server.start))
    clients = [asyncio.create_task(_write(number, door, siege, ledger)) for number in range(siege.clients)]
    try:
        for number in range(1, siege.kills + 1):
            await _reach(siege.writes * number // (siege.kills + 1), ledger, clients)
            await asyncio.sleep(random.uniform(0, LATEST))
            server.kill()  # no client is told
            ledger.kills += 1
            await door.get()
            door.put_nowait(await asyncio.to_thread(server.start))
        await _reach(siege.writes, ledger, clients)
        await door.get()
        door.put_nowait(0)  # the port that tells them to stop
        await asyncio.gather(*clients)
    finally:
        for client in clients:
            client.cancel()
    return ledger


async def _reach(writes: int, ledger: Ledger, clients: list[asyncio.Task[None]]) -> None:
    """Wait until so many writes are acknowledged; whatever stops a client is raised."""
    while len(ledger.acknowledged) < writes:
        for client in clients:
            if client.done():
                client.result()
        await asyncio.sleep(0.001)


async def _write(number: int, door: asyncio.Queue[int], siege: Siege, ledger: Ledger) -> None:
    client, count = Client(), 0
    try:
        while port := await _open_door(door):
            count += 1
            tag = f"{number}-{count}"
            ledger.sent[tag] = siege.rows if count % 4 == 0 else 1
            while not await _send(client, port, tag, siege, ledger) and siege.keyed:
                port = await _open_door(door) or port  # what was begun is brought to its end
    finally:
        client.close()


async def _open_door(door: asyncio.Queue[int]) -> int:
    """Wait for a server. Answers its port, 0 at the end."""
    port = await door.get()
    door.put_nowait(port)
    return port


async def _send(client: Client, port: int, tag: str, siege: Siege, ledger: Ledger) -> bool:
    """Send one write. Answers whether all is known about it."""
    rows = ledger.sent[tag]
    headers = {"Idempotency_Key": tag} if siege.keyed else {}
    try:
        reply = await client.ask(port, "POST", "/event", [{"tag": tag}] * rows if rows > 1 else {"tag": tag}, **headers)
    except Lost:
        ledger.unanswered += 1
        await asyncio.sleep(0.005)
        return False
    if reply.status == 201:
        ledger.acknowledged.add(tag)
        return True
    if reply.status not in ((503, 409) if siege.keyed else (503,)):  # 409: the first of the same key is still at work
        ledger.unexpected.append(f"{tag} was answered with {reply.status}: {reply.body[:200]!r}")
        return True
    return False


def stored_rows(engine: sa.Engine) -> dict[str, int]:
    """Count the rows of each tag."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT tag, count(*) FROM event GROUP BY tag")
        return {row[0]: row[1] for row in rows}
