"""Writing over HTTP, spec by spec, on both databases: answers, headers, statements on the wire, and what is stored."""

from itertools import chain

import pytest

from tests.http.conftest import Written
from tests.http.specs import changing, creating
from tests.http.specs.change import Change
from tests.support.counting import count_statements

SPECS = list(chain(creating.SPECS, changing.SPECS))

specs = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


@specs
def test_change(written: Written, spec: Change) -> None:
    """The answer is the expected one, for the expected number of statements, and so is what is stored."""
    before = written.contents.read()
    with count_statements(written.backend, written.api) as statements:
        answer = spec.request(written.client)
    spec.verify(answer)
    spec.verify_stored(before, written.contents.read())
    wanted = spec.on_sqlite if written.backend.name == "sqlite" and spec.on_sqlite is not None else spec.statements
    assert len(statements) == wanted, statements


def test_every_spec_has_a_name_of_its_own() -> None:
    """A failure names one spec."""
    names = [spec.name for spec in SPECS]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
