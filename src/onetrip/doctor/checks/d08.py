"""D08: a dependency that holds a synchronous session until the response is sent."""

import ast
from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import Source, called, functions


def _find(application: Application) -> Iterator[Found]:
    used = {
        ast.unparse(node.args[0]).rpartition(".")[2]
        for source in application.sources
        for node in ast.walk(source.tree)
        if called(node) == "Depends" and isinstance(node, ast.Call) and node.args
    }
    makers = {name for source in application.sources for name in _makers(source)} | {"Session"}
    for source in application.sources:
        for function in functions(source.tree):
            if isinstance(function, ast.AsyncFunctionDef) or function.name not in used:
                continue
            inside = list(ast.walk(function))
            if any(isinstance(node, ast.Yield) for node in inside) and any(called(node) in makers for node in inside):
                yield Found(
                    (source.path, function.lineno),
                    f"{function.name}() holds a connection until the response is written",
                    "Depends(api.sync_session), or 'with Session(engine) as session:' in the endpoint itself.",
                )


def _makers(source: Source) -> Iterator[str]:
    """Name what makes sessions: `SessionLocal = sessionmaker(…)`."""
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and called(node.value) == "sessionmaker":
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


CHECK = Check(
    id="D08",
    title="A session that can starve the pool",
    why="Endpoints that are not async wait for a thread while they hold a connection, and those with a thread wait for "
    "a connection: under load nobody goes on, and the pool's timeout is a 500.",
    level="warning",
    find=_find,
)
