"""What the documentation shows is what happens, on both databases; what exists stands in the documentation."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, blocks
from tests.docs.sample import fill
from tests.support.databases import Backend, Server, postgresql_backend, sqlite_backend

EXECUTED = [page for page in PAGES if page.name != "README.md" and any(blocks(page, "python", "http"))]


@pytest.fixture(scope="module")
def codeclash(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The example's database, by backend; pages only read it."""
    with sqlite_backend(tmp_path_factory.mktemp("codeclash")) as lite, postgresql_backend(server) as full:
        for made in (lite, full):
            fill(made.url)
        yield {made.name: made.url for made in (lite, full)}


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: page.stem)
def test_a_page_is_true(page: Path, backend: Backend, codeclash: dict[str, str]) -> None:
    """Its Python runs, and every request is answered as it is shown."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}  # tests cover enough
    environment = own | {
        "ONETRIP_DATABASE_URL": backend.url,
        "CODECLASH_DATABASE_URL": codeclash[backend.name],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-W", "error", "-m", "tests.docs.run", str(page)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
