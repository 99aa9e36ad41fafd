"""Declare tables once, serve a production REST API: every request is one SQL statement."""

from typing import TYPE_CHECKING

from onetrip.app import API
from onetrip.errors import ConfigurationError, OnetripError, Problem
from onetrip.hooks import Change
from onetrip.http.docs import add_docs
from onetrip.http.reading import Reading
from onetrip.mixins import SoftDelete, Timestamped, UUIDKey, Versioned
from onetrip.schema.declaration import Resource
from onetrip.settings import Limits, Pool
from onetrip.version import __version__

if TYPE_CHECKING:
    from onetrip.config import Settings
else:

    def __getattr__(name):
        if name != "Settings":
            raise AttributeError(f"module 'onetrip' has no attribute {name!r}")
        from onetrip.config import Settings  # pydantic-settings, which costs time to import

        return Settings


__all__ = [
    "API",
    "Change",
    "ConfigurationError",
    "Limits",
    "OnetripError",
    "Pool",
    "Problem",
    "Reading",
    "Resource",
    "Settings",
    "SoftDelete",
    "Timestamped",
    "UUIDKey",
    "Versioned",
    "__version__",
    "add_docs",
]
