"""Paths of resources: as their tables are called where somebody chose that, else as their classes."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from onetrip.errors import ConfigurationError
from onetrip.schema import naming
from onetrip.schema.declaration import Resource
from onetrip.schema.mappers import is_reflected

TAKEN = ("livez", "readyz")
"""Paths that every API has beside its resources."""


def choose_paths(resources: Sequence[Resource], mappers: Sequence[Mapper[Any]]) -> list[str]:
    """Choose the paths of all resources. Raises `ConfigurationError` when two would have the same."""
    names: dict[str, type[Any]] = {}
    for resource, mapper in zip(resources, mappers, strict=True):
        model = resource.model
        if model in names.values():
            raise ConfigurationError(f"{model.__name__} is declared twice. Leave one of the two out.")
        name = resource.path or path_of(model, mapper)
        if is_reflected(mapper):
            name = naming.unused([name], (*names, *TAKEN))
        if name in TAKEN:
            raise ConfigurationError(
                f"{model.__name__}: '/{name}' is a health check. Give it another: Resource(…, path='…')."
            )
        if name in names:
            both = f"{_qualified(names[name])} and {_qualified(model)}"
            raise ConfigurationError(
                f"{both} both have the path '/{name}'. Give one of them another: Resource({model.__name__}, path='…')."
            )
        names[name] = model
    return list(names)


def path_of(model: type[Any], mapper: Mapper[Any]) -> str:
    """Name a resource as its table, if somebody chose that name, or as its class."""
    chosen = next((base for base in model.__mro__ if "__tablename__" in base.__dict__), None)
    if chosen is SQLModel or mapper.single:
        return naming.resource_path(model.__name__)
    return re.sub(r"[^\w.~-]", "-", str(getattr(mapper.local_table, "name", None) or model.__name__))


def _qualified(model: type[Any]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
