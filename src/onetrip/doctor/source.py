"""A module's text and what can be seen in it: endpoints, and what their parameters and answers are called."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

METHODS = frozenset({"get", "post", "put", "patch", "delete", "api_route"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A module: its name, its file, and its syntax tree."""

    module: str
    path: Path
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Endpoint:
    """A function under `@app.get("/…")` or the like."""

    source: Source
    function: Function
    decorator: ast.Call

    def option(self, name: str) -> ast.expr | None:
        """Answer what the decorator says about something."""
        return next((each.value for each in self.decorator.keywords if each.arg == name), None)

    @property
    def answer(self) -> ast.expr | None:
        """What it says that it answers with: `response_model`, else the annotation."""
        return self.option("response_model") or self.function.returns

    @property
    def is_response(self) -> bool:
        """Whether it makes the response itself, so that nothing is made of a model."""
        names = names_in(self.function.returns) if self.function.returns is not None else set()
        return any(name.endswith("Response") for name in names) or self.option("response_class") is not None


def read_source(module: str, path: Path) -> Source | None:
    """Read a module; `None` for a file that is not there any more, or no text."""
    try:
        text = path.read_text(encoding="utf-8")
        return Source(module, path, text, ast.parse(text))
    except (OSError, SyntaxError, ValueError):
        return None


def endpoints(sources: Sequence[Source]) -> Iterator[Endpoint]:
    """Find the endpoints that are written by hand."""
    for source in sources:
        for function in functions(source.tree):
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and _is_route(decorator):
                    yield Endpoint(source, function, decorator)


def _is_route(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in METHODS):
        return False
    path = call.args[0] if call.args else next((each.value for each in call.keywords if each.arg == "path"), None)
    return isinstance(path, ast.Constant) and isinstance(path.value, str) and (not path.value or path.value[0] == "/")


def functions(tree: ast.AST) -> Iterator[Function]:
    """Find all functions, wherever they are defined."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def parameters(function: Function) -> list[ast.arg]:
    """Answer the parameters of a function."""
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def names_in(node: ast.AST) -> set[str]:
    """Collect the names in an annotation, also those in quotes; of `models.User` the last one."""
    found = set[str]()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            with suppress(SyntaxError, ValueError):
                found |= names_in(ast.parse(each.value, mode="eval").body)
    return found


def called(node: ast.AST) -> str:
    """Answer the last name of what is called: `User` for `models.User(…)`; nothing for anything else."""
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def aliases(sources: Sequence[Source]) -> dict[str, ast.expr]:
    """Find what annotations stand for: `Session = Annotated[AsyncSession, Depends(…)]`."""
    found: dict[str, ast.expr] = {}
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                if isinstance(node.value, ast.Subscript):
                    found[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                found[node.target.id] = node.value
    return found
