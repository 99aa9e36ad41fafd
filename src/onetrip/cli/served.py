"""The resource of a target that a command is about, by its path segment."""

import os
from dataclasses import dataclass

from onetrip.app import API, DATABASE_VARIABLE
from onetrip.cli.load import load
from onetrip.cli.target import Target
from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.model import ResourceSchema


@dataclass(frozen=True, slots=True)
class Found:
    """A resource, and the API that serves it."""

    api: API
    resource: ResourceSchema


def find_resource(target: Target, database: str | None, name: str) -> Found:
    """Load a target and find a resource in it. Raises `ConfigurationError` where there is none, or more than one."""
    if database is not None:
        os.environ[DATABASE_VARIABLE] = database
    apis = load(target, lambda stage, done, total: None).apis
    wanted = name.strip("/")
    found = [Found(api, api.schema.resources[wanted]) for api in apis if wanted in api.schema.resources]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"Several APIs serve '{wanted}': name one of them, as in 'shop/main.py:api'.")
    known = [each for api in apis for each in api.schema.resources]
    hint = nearest(wanted, known) or f"There are: {', '.join(known[:30])}."
    raise ConfigurationError(f"There is no resource '{wanted}'. {hint}")
