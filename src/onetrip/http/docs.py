"""`/docs` without the internet: Swagger UI with its files from an installed package, for any FastAPI application.

The page's content security policy lets it load nothing from anywhere else.
"""

from html import escape

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

_PACKAGE, _FOLDER = "fastapi_offline", "static"  # brings the files of Swagger UI; its Python code is not used
_SCRIPT, _STYLE = "swagger-ui-bundle.js", "swagger-ui.css"
_POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
)


class _Assets(StaticFiles):
    """The two files that the page needs, and no other of that folder."""

    def lookup_path(self, path: str) -> tuple[str, object]:  # type: ignore[override]
        return super().lookup_path(path) if path in (_SCRIPT, _STYLE) else ("", None)


def add_docs(app: FastAPI, path: str = "/docs", *, expanded: bool = True) -> None:
    """Add interactive documentation to an application made with `docs_url=None`; `expanded` lists every operation.

    One that serves no `/openapi.json` has nothing to show, and gets no page.
    """
    if app.openapi_url is None:
        return
    expansion = "list" if expanded else "none"
    parameters = {"docExpansion": expansion, "displayRequestDuration": True, "tryItOutEnabled": True}

    async def docs(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_swagger_ui_html(
            title=escape(app.title),
            openapi_url=f"{root}{app.openapi_url}",
            swagger_js_url=f"{root}{path}/assets/{_SCRIPT}",
            swagger_css_url=f"{root}{path}/assets/{_STYLE}",
            swagger_favicon_url="data:,",
            swagger_ui_parameters=parameters,
        )
        page.headers["Content-Security-Policy"] = _POLICY
        return page

    app.docs_url = path
    app.add_route(path, docs, include_in_schema=False)
    app.mount(f"{path}/assets", _Assets(packages=[(_PACKAGE, _FOLDER)]), name="docs-assets")
