"""Requests go on while a table is changed: `benchmarks/migrations.py` with few rows, and all its changes in one go."""

import subprocess
import sys

import pytest

from tests.docs.markdown import ROOT

SMALL = """
import asyncio
from benchmarks.migrations import CHANGES, shop, write_models

with shop(rows=20_000, version=16) as (made, _):
    write_models(made.folder, CHANGES)
    made.run("new", "-m", "everything")
    measured = asyncio.run(made.measure(seconds=0.5))
    print(measured.requests > 100, measured.failed, "as the models are" in made.run("check"))
"""
"""In a process of its own: benchmarks have tables of the same names."""


@pytest.mark.no_cover
def test_no_request_fails_while_safe_forms_are_applied() -> None:
    """An index, a unique constraint, a foreign key, a CHECK and NOT NULL, as `onetrip db new` writes them."""
    done = subprocess.run([sys.executable, "-c", SMALL], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "True 0 True\n", done.stdout + done.stderr
