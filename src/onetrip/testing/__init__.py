"""Tests of an application: fixtures by the pytest plugin, and what they give by name for annotations."""

from onetrip.testing.clients import AsyncClient
from onetrip.testing.contract import Contract
from onetrip.testing.counting import AssertStatements, Statements
from onetrip.testing.factory import Factory

__all__ = ["AssertStatements", "AsyncClient", "Contract", "Factory", "Statements"]
