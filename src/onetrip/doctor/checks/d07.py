"""D07: an endpoint that does not say what it answers."""

import ast
from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import endpoints


def _find(application: Application) -> Iterator[Found]:
    for endpoint in endpoints(application.sources):
        if endpoint.answer is not None or endpoint.is_response or _is_unseen(endpoint.option("include_in_schema")):
            continue
        status = endpoint.option("status_code")
        if status is not None and "204" in ast.unparse(status):
            continue
        yield Found(
            (endpoint.source.path, endpoint.function.lineno),
            f"{endpoint.function.name}() has no response model",
            f"async def {endpoint.function.name}(…) -> Answer, or response_model=Answer in its decorator.",
        )


def _is_unseen(option: ast.expr | None) -> bool:
    return isinstance(option, ast.Constant) and option.value is False


CHECK = Check(
    id="D07",
    title="An answer of any kind",
    why="OpenAPI shows an empty schema, clients are not typed, and whatever the function returns is sent.",
    level="warning",
    find=_find,
)
