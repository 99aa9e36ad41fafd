"""The tables that a project's own revisions made: only those may a comparison ever drop. Read, not run."""

import ast
from collections.abc import Iterator
from pathlib import Path

from onetrip.migrations.project import Project
from onetrip.migrations.snapshot.model import Name

_TABLE = {"create_table": 0, "rename_table": 1}  # which argument names a table that is there afterwards


def created(project: Project) -> frozenset[Name]:
    """Name the tables that revisions create, or give their name to."""
    files = Path(project.script().versions).rglob("*.py")
    return frozenset(name for file in files for name in _created(file.read_text(encoding="utf-8")))


def _created(source: str) -> Iterator[Name]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TABLE:
            position = _TABLE[node.func.attr]
            name = node.args[position] if len(node.args) > position else None
            schema = next((each.value for each in node.keywords if each.arg == "schema"), None)
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield schema.value if isinstance(schema, ast.Constant) else None, name.value  # type: ignore[misc]
