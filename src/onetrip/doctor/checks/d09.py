"""D09: a synchronous session in an asynchronous endpoint."""

import ast
from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import aliases, endpoints, names_in, parameters


def _find(application: Application) -> Iterator[Found]:
    known = aliases(application.sources)
    for endpoint in endpoints(application.sources):
        if not isinstance(endpoint.function, ast.AsyncFunctionDef):
            continue
        for parameter in parameters(endpoint.function):
            annotation = parameter.annotation
            if isinstance(annotation, ast.Name) and annotation.id in known:
                annotation = known[annotation.id]
            if annotation is not None and _is_sync(annotation):
                yield Found(
                    (endpoint.source.path, endpoint.function.lineno),
                    f"{endpoint.function.name}() is async, and '{parameter.arg}' is a session that is not",
                    "An AsyncSession, Depends(api.session); or 'def' instead of 'async def'.",
                )


def _is_sync(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Annotated"):
        first = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
        return _is_sync(first)
    return "Session" in names_in(annotation)


CHECK = Check(
    id="D09",
    title="A session that stops the event loop",
    why="While it waits for the database, the process answers nobody.",
    level="warning",
    find=_find,
)
