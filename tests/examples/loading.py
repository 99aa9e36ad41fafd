"""Examples that are imported for one test, with tables of their own: each declares a class `User`."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
import sqlmodel
from fastapi.testclient import TestClient

from tests.docs import curl
from tests.docs.markdown import ROOT, blocks
from tests.schema.serving import base
from tests.support.databases import Backend


@contextmanager
def example(package: str, backend: Backend) -> Iterator[tuple[ModuleType, TestClient]]:
    """Import an example's `main`, and open a client of it on a database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlmodel, "SQLModel", base())
        patch.setenv("ONETRIP_DATABASE_URL", backend.url)
        before = set(sys.modules)
        main = importlib.import_module(f"{package}.main")
        try:
            with TestClient(main.app, base_url=curl.SERVED) as client:
                yield main, client
        finally:
            for name in {name for name in sys.modules if name.split(".")[0] == package} - before:
                del sys.modules[name]


def tour(package: str, client: TestClient) -> None:
    """Do what an example's README does, and compare."""
    page = ROOT / "examples" / package / "README.md"
    told = [each for block in blocks(page, "console") for each in curl.asked(block.text)]
    differences = [found for line, shown in told if (found := curl.difference(line, shown, curl.answer(client, line)))]
    assert not differences, "\n".join(differences)
    assert len(told) > 10, page
