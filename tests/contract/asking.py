"""What schemathesis asks of an application, in process, and which of its complaints are about more than a schema says.

Phases are schemathesis' own: `coverage` goes to the bounds of every parameter and a step beyond, `fuzzing` sends
anything that a schema admits or does not, `stateful` follows the links from one answer to the next request.
https://schemathesis.readthedocs.io/en/stable/reference/checks/
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import jsonschema
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans

CASES = int(os.environ.get("ONETRIP_CONTRACT_CASES", "0"))
"""How many requests are made up for each operation, and as many sequences; 0 for a few, the same every time."""

PHASES = ("examples", "coverage", "fuzzing", "stateful")

REFUSED = ["400", "404", "405", "406", "409", "412", "413", "415", "422", "428"]
TAKEN = ["2xx", "304", "404", "409", "412", "422"]  # `valid_data_is_taken` looks at a 422

BEYOND = {
    "foreign_key": "which rows there are",
    "invalid_cursor": "which cursors were handed out",
    "contradiction": "that `after`, `before` and `offset` exclude each other",
    "reused": "which keys were sent before",
    "nul": "text inside of free JSON, and in a model written by hand",
    "missing": "that one parameter needs another: `update` does `on_conflict`",
    "value_error": "what a validator thinks of it: not every address of `format: email` can be one",
    "repeated": "whether two rows of an array are one",
    "not_asked": "that `sort` and `having` name what `group` and aggregates ask for",
    "too_many_aggregates": "how many groups and aggregates there are in all parameters together",
    "too_many": "how many conditions there are in all parameters together",
    "decimal_max_digits": "JSON Schema has no words for the digits of a number",
    "decimal_max_places": "likewise",
    "decimal_whole_digits": "likewise",
}
"""Types of errors in a valid request → what of it no schema says."""

GRAMMARS = {"or", "and", "not", "include"}
"""Parameters with parentheses, which JSON Schema cannot say."""


def complaints(app: Any, phase: str, *, few: int) -> list[str]:
    """Ask an application everything, and list what schemathesis says of the answers, each with a request to repeat."""
    seed = random.randrange(2**32) if CASES else 1
    try:
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=_config(phase, CASES or few, seed))
        found = {title: where for event in from_schema(schema).execute() for title, where in _said(event)}
    finally:
        shutdown_lifespans()
    return [f"{title}\n{where}\n(seed {seed})" for title, where in found.items()]


def _config(phase: str, cases: int, seed: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "workers": 1,
            "output": {"sanitization": {"enabled": False}},
            "generation": {"max-examples": cases, "deterministic": not CASES, "database": "none"},
            "phases": {name: {"enabled": name == phase} for name in PHASES},
            "checks": {
                "negative_data_rejection": {"expected-statuses": REFUSED},
                "positive_data_acceptance": {"expected-statuses": TAKEN},
                "missing_required_header": {"expected-statuses": REFUSED},
            },
            "operations": [  # new rows are linked to nothing, and new users have published nothing
                {
                    "include-operation-id-regex": "^(unlink|latest)_",
                    "checks": {"ensure_resource_availability": {"enabled": False}},
                }
            ],
        }
    )


def _said(event: Any) -> Iterator[tuple[str, str]]:
    """List what an event says is wrong: one request for each operation, check and kind of complaint."""
    if isinstance(event, events.ScenarioFinished):
        for case, checks in event.recorder.checks.items():
            for failed in (check.failure_info for check in checks if check.failure_info is not None):
                interaction = event.recorder.interactions.get(case)
                response = interaction and interaction.response
                answer = f"{response.status_code} {response.content[:1000]!r}" if response else "no answer"
                operation = event.recorder.cases[case].value.operation.label
                title = f"{event.phase.value} {operation}: {failed.failure.title}: {failed.failure.message[:1000]}"
                yield title, f"{failed.code_sample}\n{answer}"
    elif isinstance(event, events.NonFatalError):
        what = event.info.format()
        if "Could not resolve parameter" in what:  # an array of rows, or `fields` without the key
            return
        yield f"{event.phase.value} {event.label}: {what[:300]}", what[-2000:]
    elif isinstance(event, events.FatalError):
        raise event.exception


# Checks beside those of schemathesis


@schemathesis.check
def valid_data_is_taken(ctx: Any, response: Any, case: Any) -> None:
    """A request that the schema admits is refused for nothing that the schema could have said."""
    if response.status_code == 422 and case.meta is not None and case.meta.generation.mode.is_positive:
        errors = response.json().get("errors", [])
        judged = [error for error in errors if not (error["loc"][:1] == ["query"] and {*error["loc"][1:2]} & GRAMMARS)]
        unsaid = [error for error in judged if error["type"] not in BEYOND and not _is_said(error, case.body)]
        assert errors and not unsaid, f"a valid request is refused: {unsaid or response.json()['detail']}"


def _is_said(error: dict[str, Any], body: Any) -> bool:
    """Say whether a value is one that JSON Schema, or what reads it, does not tell from others."""
    if error["loc"][0] != "body":
        return False
    for part in error["loc"][1:]:
        body = body[part]
    if error["type"] in ("int_type", "int_from_float"):
        return isinstance(body, float) and body.is_integer()  # 1.0 is an integer to JSON Schema, and to no column
    if error["type"] in ("less_than_equal", "greater_than_equal"):
        return abs(float(body)) == 2.0**63  # what is made from a bound that is a float
    return "that exists" in error["msg"]  # 30 February: no pattern knows the days of each month


@schemathesis.check
def rows_are_whole(ctx: Any, response: Any, case: Any) -> None:
    """Without `fields`, an answer is what the model of the row says, and not just any object."""
    operation = case.operation.definition.raw
    described = operation["responses"].get(str(response.status_code), {}).get("content", {}).get("application/json")
    if described is None or "fields" in (case.query or {}) or response.status_code >= 300:
        return
    whole = _whole(described.get("schema", {}))
    validator = jsonschema.Draft202012Validator(
        {**whole, "components": case.operation.schema.raw_schema["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(response.json())]
    assert not errors, f"a row is not as its model says: {errors[:5]}"


def _whole(schema: Any) -> Any:
    """Leave out the form that an answer has with `fields`, wherever it may stand."""
    if isinstance(schema, list):
        return [_whole(part) for part in schema if not (isinstance(part, dict) and part.get("title") == "Fields")]
    if isinstance(schema, dict):
        return {name: _whole(part) for name, part in schema.items()}
    return schema
