"""Errors → `application/problem+json` (https://www.rfc-editor.org/rfc/rfc9457)."""

from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from onetrip.errors import ErrorItem, Invalid, Problem

MEDIA_TYPE = "application/problem+json"


class ProblemError(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="Where it stands, such as `query`, `limit`")
    msg: str
    type: str


class ProblemDetails(BaseModel):
    """A problem as RFC 9457 describes it."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(examples=["urn:onetrip:problem:invalid"])
    title: str
    status: int
    detail: str
    errors: list[ProblemError] = []
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
    """Answer Starlette's own 404 and 405 as problems."""
    known = Problem(str(getattr(error, "detail", "")), headers=getattr(error, "headers", None) or {})
    known.status = getattr(error, "status_code", 500)
    known.title = _TITLES.get(known.status, "Error")
    known.slug = known.title.lower().replace(" ", "-")
    return response(known)


async def handle_validation_error(request: Request, error: Exception) -> Response:
    """Answer FastAPI's validation errors of hand-written endpoints as problems, without echoing input."""
    items = [ErrorItem(tuple(item["loc"]), item["msg"], item["type"]) for item in error.errors()]  # type: ignore[attr-defined]
    return response(Invalid.of(items))


_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
