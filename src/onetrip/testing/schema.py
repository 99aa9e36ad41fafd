"""A test that asks every operation of the application for what its OpenAPI document admits, and for what it does not.

Imported into a test module, it is one of its tests:

    from onetrip.testing.schema import openapi_schema, test_every_operation

It needs schemathesis, which is not installed with `onetrip[testing]`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans

__all__ = ["openapi_schema", "test_every_operation"]

CASES = 5
"""Requests that are made up for each operation, and sequences of them, the same in every run."""

_PHASES = ("examples", "fuzzing", "stateful")  # not `coverage`: every value of every filter takes minutes
_REFUSED = ["400", "404", "405", "406", "409", "412", "413", "414", "415", "422", "428"]
_TAKEN = ["2xx", "304", "404", "409", "412", "422"]
"""What may be answered to a request that the document does not admit, and to one that it does: see docs/testing.md."""


@pytest.fixture
def openapi_schema(app: Any, onetrip_database: str) -> Iterator[Any]:
    """The application's document, with what HTTP answers beside what schemathesis expects."""
    yield schema_of(app)
    shutdown_lifespans()


def test_every_operation(openapi_schema: Any) -> None:
    """The document keeps its word: what it admits is taken, what it does not is refused, answers are as it says."""
    if found := complaints(openapi_schema):
        listed = "\n\n".join(f"{title}\n  {request}" for title, request in found.items())
        pytest.fail(f"{len(found)} complaints of schemathesis:\n\n{listed}", pytrace=False)


def schema_of(app: Any) -> Any:
    """Read the document of an application, for requests in process."""
    config = {
        "workers": 1,
        "seed": 1,
        "generation": {"max-examples": CASES, "deterministic": True, "database": "none"},
        "phases": {name: {"enabled": name in _PHASES} for name in (*_PHASES, "coverage")},
        "checks": {
            "negative_data_rejection": {"expected-statuses": _REFUSED},
            "positive_data_acceptance": {"expected-statuses": _TAKEN},
            "missing_required_header": {"expected-statuses": _REFUSED},
        },
    }
    return schemathesis.openapi.from_asgi(app.openapi_url, app, config=SchemathesisConfig.from_dict(config))


def complaints(schema: Any) -> dict[str, str]:
    """Ask everything, and list what is wrong with the answers, each with a request to repeat."""
    return dict(each for event in from_schema(schema).execute() for each in _complaints(event))


def _complaints(event: Any) -> Iterator[tuple[str, str]]:
    """List what an event says is wrong, each with a request to repeat."""
    if isinstance(event, events.FatalError):
        raise event.exception
    if not isinstance(event, events.ScenarioFinished):
        return
    for case, checks in event.recorder.checks.items():
        for failed in (check.failure_info for check in checks if check.failure_info is not None):
            operation = event.recorder.cases[case].value.operation.label
            yield f"{operation}: {failed.failure.title}: {failed.failure.message}", failed.code_sample
