"""Errors → `application/problem+json` (https://www.rfc-editor.org/rfc/rfc9457)."""

import re
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from onetrip.errors import ErrorItem, Invalid, Problem

MEDIA_TYPE = "application/problem+json"


class OnetripProblemError(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="Where it stands, such as `query`, `limit`")
    msg: str
    type: str


class OnetripProblem(BaseModel):
    """A problem as RFC 9457 describes it.

    Its component in OpenAPI is referred to by name, so it has one that no application gives to a model of its own.
    """

    model_config = ConfigDict(title="Problem", json_schema_extra={"description": "A problem (RFC 9457)."})

    type: str = Field(examples=["urn:onetrip:problem:invalid"])
    title: str
    status: int
    detail: str
    errors: list[OnetripProblemError] = []
    hint: str | None = None
    request_id: str


def render(problem: Problem, request_id: str | None = None) -> tuple[bytes, dict[str, str]]:
    """Write a problem: its body, and the headers that belong to it."""
    body: dict[str, Any] = {
        "type": f"urn:onetrip:problem:{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [{"loc": list(item.loc), "msg": item.msg, "type": item.type} for item in problem.errors]
    if problem.hint is not None:
        body["hint"] = problem.hint
    body["request_id"] = request_id or uuid4().hex
    return to_json(body), problem.headers


def response(problem: Problem, media_type: str = MEDIA_TYPE) -> Response:
    """Make a Starlette response of a problem."""
    body, headers = render(problem)
    return Response(body, problem.status, headers, media_type)


async def handle_problem(request: Request, error: Exception) -> Response:
    """Answer a `Problem` that an endpoint or a session raised: `app.exception_handler(Problem)`."""
    assert isinstance(error, Problem)
    return response(error)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Answer Starlette's own 404 and 405, and what endpoints raise, as problems."""
    assert isinstance(error, HTTPException)
    if error.status_code in (204, 304):  # these have no body
        return Response(status_code=error.status_code, headers=error.headers)
    known = Problem(str(error.detail), headers=error.headers)
    known.status = error.status_code
    known.title = _TITLES.get(error.status_code, "Error")
    known.slug = re.sub(r"[^a-z]+", "-", known.title.lower())
    return response(known)


async def handle_validation_error(request: Request, error: Exception) -> Response:
    """Answer FastAPI's validation errors of hand-written endpoints as problems, without echoing input."""
    items = [ErrorItem(tuple(item["loc"]), item["msg"], item["type"]) for item in error.errors()]  # type: ignore[attr-defined]
    return response(Invalid.of(items))


_TITLES = {status.value: status.phrase for status in HTTPStatus} | {422: Invalid.title}
