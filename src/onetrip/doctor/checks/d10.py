"""D10: a dependency that commits after its `yield`."""

import ast
from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import called, functions


def _find(application: Application) -> Iterator[Found]:
    used = {
        ast.unparse(node.args[0]).rpartition(".")[2]
        for source in application.sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and called(node) == "Depends" and node.args and not _is_early(node)
    }
    for source in application.sources:
        for function in functions(source.tree):
            if function.name not in used:
                continue
            yields = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Yield)]
            for node in ast.walk(function):
                if yields and called(node) == "commit" and isinstance(node, ast.Call) and node.lineno > yields[0]:
                    yield Found(
                        (source.path, node.lineno),
                        f"{function.name}() commits when the response has been sent",
                        "Depends(api.session), which commits before; or Depends(…, scope='function').",
                    )


def _is_early(call: ast.Call) -> bool:
    return any(each.arg == "scope" and "function" in ast.unparse(each.value) for each in call.keywords)


CHECK = Check(
    id="D10",
    title="A commit that comes too late",
    why="If it fails, the client was told 201 for what is not stored.",
    level="error",
    find=_find,
)
