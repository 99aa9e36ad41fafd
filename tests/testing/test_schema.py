"""The ready test of every operation says what it finds."""

import pytest
from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse
from schemathesis.python.asgi import shutdown_lifespans

from onetrip.testing import schema


@pytest.mark.no_cover
def test_an_answer_that_was_not_announced_is_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a request to repeat it; and there is none where the document keeps its word."""
    monkeypatch.setattr(schema, "CASES", 2)
    app = FastAPI()

    @app.get("/double", responses={400: {}})
    def double(number: int = Query(ge=0, le=9)) -> int:
        return number * 2

    try:
        schema.test_every_operation(schema.schema_of(app))

        @app.get("/broken")
        def broken() -> int:
            return JSONResponse("nine")  # type: ignore[return-value]

        app.openapi_schema = None
        with pytest.raises(pytest.fail.Exception, match=r"(?s)^\d complaints of .*GET /broken: .*curl -X GET"):
            schema.test_every_operation(schema.schema_of(app))
    finally:
        shutdown_lifespans()
