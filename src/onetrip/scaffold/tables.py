"""The tables that a file of Python defines, by its text: `class Post(SQLModel, table=True)`. It is not imported."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

_OPTIONAL = re.compile(r"\s*\|\s*None$|^Optional\[(.*)\]$")


@dataclass(frozen=True)
class Table:
    """A table's class."""

    node: ast.ClassDef
    classes: Mapping[str, ast.ClassDef]

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.node.name

    @property
    def bases(self) -> tuple[str, ...]:
        """The classes that it inherits, by their last names."""
        return tuple(ast.unparse(base).rpartition(".")[2] for base in self.node.bases)

    @cached_property
    def table(self) -> str:
        """The name of the table: the one that is given, or that which SQLModel gives."""
        for statement in self.node.body:
            names = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            value = getattr(statement, "value", None)
            if any(isinstance(name, ast.Name) and name.id == "__tablename__" for name in names):
                return str(value.value) if isinstance(value, ast.Constant) else self.name.lower()
        return self.name.lower()

    @cached_property
    def fields(self) -> dict[str, ast.AnnAssign]:
        """What is annotated in it and in those of its bases that the file has."""
        inherited: dict[str, ast.AnnAssign] = {}
        for base in self.bases:
            if base in self.classes and base != self.name:
                inherited |= Table(self.classes[base], self.classes).fields
        own = (node for node in self.node.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name))
        return inherited | {node.target.id: node for node in own if isinstance(node.target, ast.Name)}

    @cached_property
    def key(self) -> tuple[str, str] | None:
        """The name of the key and its type; `None` if there is none, or one of several columns."""
        keys = [(name, node) for name, node in self.fields.items() if is_key(node)]
        if len(keys) == 1:
            name, node = keys[0]
            return name, plain(ast.unparse(node.annotation))
        return ("id", "UUID") if not keys and "UUIDKey" in self.bases else None


def tables(source: str) -> dict[str, Table]:
    """Find the classes that are tables, by name."""
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    return {name: Table(node, classes) for name, node in classes.items() if is_table(node)}


def is_table(node: ast.ClassDef) -> bool:
    """Say whether a class is one of SQLModel's tables."""
    return any(each.arg == "table" and _is_true(each.value) for each in node.keywords)


def is_key(node: ast.AnnAssign) -> bool:
    """Say whether an attribute is a part of the primary key."""
    return any(each.arg == "primary_key" and _is_true(each.value) for each in _keywords(node.value))


def plain(annotation: str) -> str:
    """Leave out of an annotation that it may be `None`: `int | None` → `int`."""
    return _OPTIONAL.sub(lambda found: found[1] or "", annotation)


def _keywords(node: ast.expr | None) -> Iterator[ast.keyword]:
    yield from node.keywords if isinstance(node, ast.Call) else ()


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
