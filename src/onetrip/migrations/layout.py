"""Python source on lines of 120 characters, as `ruff format` writes it: for the operations in a revision.

`alembic/script.py.mako` of a project calls it, so that scripts are laid out whoever asked for them. Comments are lost,
but for those that allow a finding.
"""

import ast
import re
from textwrap import dedent

WIDTH = 120
_STEP = 4
_KEPT = "# migrate: allow "  # see lint.suppression


def lay_out(source: str | None, indent: int = _STEP) -> str:
    """Lay out statements at an indentation; nothing to do is `pass`."""
    text = dedent(" " * _STEP + source.lstrip()) if source and source.strip() else ""
    return "\n".join(_statements(ast.parse(text).body, indent, text.splitlines())) or " " * indent + "pass"


def imported(*sources: str) -> str:
    """Write the imports that statements need; all of them for nothing, which is for somebody to write."""
    text = "\n".join(source or "" for source in sources)
    lines = ["import sqlalchemy as sa"] if "sa." in text or "op." not in text else []
    dialects = [name for name in ("postgresql", "sqlite") if re.search(rf"\b{name}\.[A-Z]", text)]
    lines += [f"from sqlalchemy.dialects import {', '.join(dialects)}"] if dialects else []
    return "\n".join([*lines, *([""] if lines else []), "from alembic import op"])  # a folder here has that name, too


def quoted(value: object) -> str:
    """Write a constant: texts in double quotes, a tuple of them in brackets."""
    return _flat(ast.parse(repr(value), mode="eval").body)


def escaped(text: str) -> str:
    """Write a text as it may stand in a docstring."""
    text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{text[:-1]}\\"' if text.endswith('"') else text


def _statements(body: list[ast.stmt], indent: int, source: list[str]) -> list[str]:
    """Lay out statements, with a blank line around each block, and what is allowed above one."""
    lines: list[str] = []
    block = False
    for statement in body:
        if lines and (block or isinstance(statement, ast.With)):
            lines.append("")
        block = isinstance(statement, ast.With)
        above = source[statement.lineno - 2].strip() if statement.lineno > 1 else ""
        lines += [" " * indent + above] if above.startswith(_KEPT) else []
        lines += _statement(statement, indent, source)
    return lines


def _statement(statement: ast.stmt, indent: int, source: list[str]) -> list[str]:
    if isinstance(statement, ast.With):
        items = ", ".join(
            _flat(item.context_expr) + (f" as {_flat(item.optional_vars)}" if item.optional_vars else "")
            for item in statement.items
        )
        return [f"{' ' * indent}with {items}:", *_statements(statement.body, indent + _STEP, source)]
    if isinstance(statement, ast.Expr):
        return _expression(statement.value, indent, "", "")
    return [" " * indent + line for line in ast.unparse(statement).splitlines()]


def _expression(node: ast.expr, indent: int, before: str, after: str) -> list[str]:
    """Lay out an expression: on one line; else its parts on one line; else each on its own."""
    line = f"{' ' * indent}{before}{_flat(node)}{after}"
    parts = _parts(node)
    if len(line) <= WIDTH or parts is None or not parts[1]:
        return [line]
    opening, inner, closing = parts
    flat = " " * (indent + _STEP) + ", ".join(name + _flat(value) for name, value in inner)
    if len(flat) <= WIDTH:
        lines = [flat]
    else:
        lines = [line for name, value in inner for line in _expression(value, indent + _STEP, name, ",")]
    return [f"{' ' * indent}{before}{opening}", *lines, f"{' ' * indent}{closing}{after}"]


def _parts(node: ast.expr) -> tuple[str, list[tuple[str, ast.expr]], str] | None:
    """Take an expression in brackets apart: what opens, each value with what stands before it, what closes."""
    if isinstance(node, ast.Call):
        values = [("", value) for value in node.args]
        values += [(f"{keyword.arg}=" if keyword.arg else "**", keyword.value) for keyword in node.keywords]
        return f"{_flat(node.func)}(", values, ")"
    if isinstance(node, ast.List):
        return "[", [("", value) for value in node.elts], "]"
    if isinstance(node, ast.Dict):
        return (
            "{",
            [(f"{_flat(key)}: " if key else "**", v) for key, v in zip(node.keys, node.values, strict=True)],
            "}",
        )
    return None


def _flat(node: ast.expr) -> str:
    """Write an expression on one line."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _quoted(node.value)
    if isinstance(node, ast.Starred):
        return f"*{_flat(node.value)}"
    if isinstance(node, ast.Attribute):
        return f"{_flat(node.value)}.{node.attr}"
    if isinstance(node, ast.Tuple):
        return f"({', '.join(map(_flat, node.elts))}{',' if len(node.elts) == 1 else ''})"
    parts = _parts(node)
    if parts is None:
        return ast.unparse(node)
    opening, inner, closing = parts
    return opening + ", ".join(name + _flat(value) for name, value in inner) + closing


def _quoted(text: str) -> str:
    """Write a text in double quotes, unless that needs more of them escaped."""
    written = repr(text)
    if text.count('"') > text.count("'"):
        return written
    if written[0] == '"':
        return written
    return '"' + written[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
