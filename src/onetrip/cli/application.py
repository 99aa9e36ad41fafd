"""`API` → FastAPI application: what is served when the target is not an application itself."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onetrip.app import API
from onetrip.http.docs import add_docs

_EXPANDED = 6  # resources whose operations fit on a page or two


def application(api: API, title: str) -> FastAPI:
    """Put an API into an application, with documentation that needs no internet and a list of what is served at `/`."""
    app = FastAPI(
        title=title,
        docs_url=None,
        redoc_url=None,
        lifespan=api.lifespan,
        exception_handlers=dict(api.exception_handlers),
    )
    docs = _free("/docs", api)
    app.openapi_url = _free("/openapi.json", api)
    resources = {name: f"/{name}" for name in api.schema.resources}
    index = {"title": title, "docs": docs, "openapi": app.openapi_url, "resources": resources}

    async def root(request: Request) -> Response:
        return JSONResponse(index)

    app.add_route("/", root, include_in_schema=False)
    add_docs(app, docs, expanded=len(resources) <= _EXPANDED)
    app.include_router(api.router)
    return app


def _free(path: str, api: API) -> str:
    """Choose another path where a table has this one."""
    while path.removeprefix("/") in api.schema.resources:
        path = f"/_{path.removeprefix('/')}"
    return path
