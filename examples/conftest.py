"""The databases of the project's own tests, for the examples' too."""

from tests.conftest import backend, no_database_from_the_environment, server

__all__ = ["backend", "no_database_from_the_environment", "server"]
