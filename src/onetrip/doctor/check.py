"""What a check is, what it is asked about, and what it answers."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.orm import Mapper

from onetrip.doctor.source import Source

Level = Literal["error", "warning"]
Place = tuple[Path, int]


@dataclass(frozen=True)
class Application:
    """What is examined: the text of its modules, the classes that they map, and what is served of those.

    `exposed` are the attributes of classes that a `Resource` shows although they look secret.
    """

    sources: tuple[Source, ...]
    mappers: tuple[Mapper[Any], ...]
    exposed: tuple[tuple[type[Any], str], ...] = ()

    @cached_property
    def entities(self) -> dict[str, Mapper[Any]]:
        """The mapped classes by name."""
        return {mapper.class_.__name__: mapper for mapper in self.mappers}

    @cached_property
    def classes(self) -> dict[str, tuple[Source, ast.ClassDef]]:
        """All classes at the top of a module, by name."""
        return {
            node.name: (source, node)
            for source in self.sources
            for node in source.tree.body
            if isinstance(node, ast.ClassDef)
        }

    def place(self, entity: type[Any], attribute: str | None = None) -> Place:
        """Find the line of a class, or of an attribute in it or in what it inherits."""
        first: Place | None = None
        for each in entity.__mro__:
            found = self.classes.get(each.__name__)
            if found is None or each.__module__ != found[0].module:
                continue
            source, node = found
            first = first or (source.path, node.lineno)
            for statement in node.body if attribute is not None else ():
                targets = (
                    statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
                )
                if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
                    return source.path, statement.lineno
        return first or (Path(entity.__module__), 0)


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found, where, and what to do; `level` where it is not that of the check."""

    place: Place
    message: str
    remedy: str
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check. `why` is what happens otherwise."""

    id: str
    title: str
    why: str
    level: Level
    find: Callable[[Application], Iterator[Found]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check's answer, as it is reported."""

    check: str
    level: Level
    title: str
    message: str
    why: str
    remedy: str
    path: str
    line: int
