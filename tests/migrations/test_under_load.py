"""Requests go on while a table is changed: `benchmarks/migrations.py` with few rows, and all its changes in one go."""

import asyncio

import pytest

from benchmarks.migrations import CHANGES, shop, write_models


@pytest.mark.no_cover
def test_no_request_fails_while_safe_forms_are_applied() -> None:
    """An index, a unique constraint, a foreign key, a CHECK and NOT NULL, as `onetrip db new` writes them."""
    with shop(rows=20_000, version=16) as (made, _):
        write_models(made.folder, CHANGES)
        made.run("new", "-m", "everything")
        measured = asyncio.run(made.measure(seconds=0.5))
        assert measured.requests > 100
        assert measured.failed == 0
        assert "as the models are" in made.run("check")
