"""A server that is killed loses nothing that it has acknowledged. The long form is `python3 dev.py faults`."""

import asyncio
from pathlib import Path

import pytest

from onetrip import API
from tests.faults.increments import increment, stored_counter
from tests.faults.server import serving
from tests.faults.siege import Ledger, Siege, besiege, prepare, stored_rows
from tests.faults.tables import Base, Counter
from tests.support.databases import Backend

KEYS = pytest.mark.skipif(not hasattr(API, "own_tables"), reason="keys are not kept yet")


@pytest.mark.parametrize("keyed", [False, pytest.param(True, marks=KEYS)], ids=["without keys", "with keys"])
def test_what_was_acknowledged_is_stored_whole_and_once(backend: Backend, tmp_path: Path, keyed: bool) -> None:
    siege = Siege(writes=600, kills=3, keyed=keyed)
    prepare(backend, siege)
    with serving(backend.url, tmp_path) as server:
        ledger = asyncio.run(besiege(server, siege))
    stored = stored_rows(backend.engine())
    assert ledger.verdict(stored) == []
    assert (ledger.kills, len(ledger.acknowledged) >= 600, ledger.unanswered > 0) == (3, True, True)
    if keyed:  # whoever may ask again knows in the end
        assert ledger.acknowledged == stored.keys() == ledger.sent.keys()


def test_of_changes_on_the_same_version_one_wins(backend: Backend, tmp_path: Path) -> None:
    backend.create(Base.metadata, Counter(id=1))
    (tmp_path / "other").mkdir()
    with serving(backend.url, tmp_path) as one, serving(backend.url, tmp_path / "other") as other:
        statuses = asyncio.run(increment([one.start(), other.start()], attempts=500, clients=50))
    assert stored_counter(backend.engine()) == (statuses[200], 1 + statuses[200])
    assert set(statuses) == {200, 412}  # they did get in each other's way
    assert statuses.total() == 500


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({"single": 1, "array": 10}, []),
        ({"single": 1, "array": 10, "open": 1}, []),
        ({"array": 10}, ["single was acknowledged, and is lost"]),
        ({"single": 2, "array": 10}, ["single was written more than once: 2 rows of 1"]),
        ({"single": 1, "array": 9}, ["array was written in part: 9 rows of 10"]),
        ({"single": 1, "array": 10, "other": 1}, ["other was never sent, and is stored"]),
    ],
)
def test_the_verdict_names_what_is_wrong(stored: dict[str, int], found: list[str]) -> None:
    ledger = Ledger(sent={"single": 1, "array": 10, "open": 1}, acknowledged={"single", "array"})
    assert ledger.verdict(stored) == found
