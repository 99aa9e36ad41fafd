"""A table's place among those of an API: `API(models.Item, …)` in somebody's file, with another argument in it."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from onetrip.scaffold.insertion import checked, imported, inserted


@dataclass(frozen=True, slots=True)
class Registration:
    """Where an `API` is made, and the last of the tables that it is given, as they are called there."""

    call: ast.Call
    before: str
    imported_from: str | None


def find_registration(source: str, known: Iterable[str]) -> Registration | None:
    """Find the `API(…)` that names tables one by one; `None` where there is none, or what it names cannot be seen."""
    tree, names = ast.parse(source), set(known)
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "API" and node.args
    ]
    if len(calls) != 1 or any(isinstance(argument, ast.Starred) for argument in calls[0].args):
        return None
    for node in ast.walk(calls[0]):
        if isinstance(node, ast.Attribute) and node.attr in names:
            return Registration(calls[0], f"{ast.unparse(node.value)}.", None)
        if isinstance(node, ast.Name) and node.id in names:
            return Registration(calls[0], "", _origin(tree, node.id))
    return None


def _origin(tree: ast.Module, name: str) -> str | None:
    """Say from which module a name is imported, with the dots of a relative one."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
            return f"{'.' * node.level}{node.module or ''}"
    return None


def registered(source: str, found: Registration, name: str, file: str) -> str:
    """Give the `API` another table."""
    last = found.call.args[-1]
    start = found.call.args[0]
    apart = start.lineno > found.call.func.lineno and (len(found.call.args) == 1 or start.lineno < last.lineno)
    between = f",\n{' ' * start.col_offset}" if apart else ", "
    text = f"{between}{found.before}{name}"
    source = inserted(source, last.end_lineno or last.lineno, last.end_col_offset or 0, text)
    if found.imported_from is not None:
        source = imported(source, found.imported_from, name)
    return checked(source, file)
