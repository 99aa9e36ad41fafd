"""Text that is put into somebody's Python file. Nothing that stands there is written anew.

A place is found in the syntax tree; what comes out is parsed before it is answered.
"""

import ast
import sys
from collections.abc import Iterator, Sequence

from onetrip.errors import ConfigurationError


def inserted(source: str, line: int, column: int, text: str) -> str:
    """Put a text before a column (in bytes of UTF-8, as `ast` counts) of a line, the first of which is 1."""
    lines = source.splitlines(keepends=True)
    before = lines[line - 1].encode() if line <= len(lines) else b""
    lines[line - 1 : line] = [(before[:column] + text.encode() + before[column:]).decode()]
    return "".join(lines)


def checked(source: str, name: str) -> str:
    """Answer a text that can be parsed. Raises `ConfigurationError` where it cannot, which is a fault of ours."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise ConfigurationError(f"{name} cannot be added to, and stays as it is: {error.msg}.") from error
    return source


def appended(source: str, text: str) -> str:
    """Put a class at the end of a file, after two blank lines."""
    return f"{source.rstrip()}\n\n\n{text}" if source.strip() else text


def after(source: str, node: ast.stmt, text: str) -> str:
    """Put whole lines behind a statement."""
    return _behind(source, node.end_lineno or node.lineno, text)


def _behind(source: str, line: int, text: str) -> str:
    lines = source.splitlines(keepends=True)
    if lines and not lines[line - 1].endswith("\n"):
        lines[line - 1] += "\n"
    return "".join([*lines[:line], text, *lines[line:]])


# Imports


def imported(source: str, module: str, name: str | None = None, alias: str | None = None) -> str:
    """Import a name from a module, or a module, unless that is done; in its place among the imports.

    >>> imported("from sqlmodel import Field, SQLModel\\n", "sqlmodel", "Relationship")
    'from sqlmodel import Field, Relationship, SQLModel\\n'
    """
    found = list(_imports(source))
    if name is None:
        wanted = f"import {module}" + (f" as {alias}" if alias else "")
        return source if any(ast.unparse(node) == wanted for node in found) else _placed(source, found, wanted, module)
    for node in found:
        if isinstance(node, ast.ImportFrom) and f"{'.' * node.level}{node.module or ''}" == module:
            if any(each.name == name and each.asname is None for each in node.names):
                return source
            return _among(source, node.names, name)
    return _placed(source, found, f"from {module} import {name}", module)


def _imports(source: str) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def _among(source: str, names: Sequence[ast.alias], name: str) -> str:
    later = next((each for each in names if _rank(each.name) > _rank(name)), None)
    if later is not None:
        return inserted(source, later.lineno, later.col_offset, f"{name}, ")
    last = names[-1]
    return inserted(source, last.end_lineno or last.lineno, last.end_col_offset or 0, f", {name}")


def _rank(name: str) -> tuple[int, str]:
    """Order names as isort does: constants, classes, everything else."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name


def _placed(source: str, found: Sequence[ast.Import | ast.ImportFrom], text: str, module: str) -> str:
    """Put a new import where it belongs: standard library, others, the project's own."""
    wanted = _order(module, text.startswith("import"))
    before = [node for node in found if _order_of(node) < wanted]
    follows = found[len(before)] if len(before) < len(found) else None
    if before and _order_of(before[-1])[0] == wanted[0]:
        return after(source, before[-1], f"{text}\n")
    if follows is not None and _order_of(follows)[0] == wanted[0]:
        return inserted(source, follows.lineno, 0, f"{text}\n")
    if before:
        return after(source, before[-1], f"\n{text}\n")
    if follows is not None:
        return inserted(source, follows.lineno, 0, f"{text}\n\n")
    body = ast.parse(source).body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return after(source, body[0], f"\n{text}\n")
    return f"{text}\n\n\n{source}"


def _order_of(node: ast.Import | ast.ImportFrom) -> tuple[int, int, str]:
    if isinstance(node, ast.Import):
        return _order(node.names[0].name, plain=True)
    return _order(f"{'.' * node.level}{node.module or ''}", plain=False)


def _order(module: str, plain: bool) -> tuple[int, int, str]:
    top = module.partition(".")[0]
    section = 0 if top == "__future__" else 1 if top in sys.stdlib_module_names else 4 if not top else 2
    return section, 0 if plain else 1, module.lower()
