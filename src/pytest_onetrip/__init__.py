"""The pytest plugin: options, and the database of a run. Everything else is imported where a project uses it.

It lies beside `onetrip` and imports nothing of it, so that pytest is no slower in projects that have it installed and
do not use it. A project uses it that says what it serves (`app` under `[tool.onetrip]` in pyproject.toml), or that
names a database (`--onetrip-database`).
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_OPTION = "--onetrip-database"
_IDLE = {"-h", "--help", "--version", "-V", "--fixtures", "--markers", "--collect-only", "--co"}

_RUN: pytest.StashKey[Any] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("onetrip")
    group.addoption(
        _OPTION,
        choices=("sqlite", "postgresql", "both"),
        help="The database of tests. Left out: PostgreSQL if ONETRIP_TEST_DATABASE_URL is set, else SQLite.",
    )
    group.addoption(
        "--onetrip-update-contract",
        action="store_true",
        help="Write the OpenAPI document down as the contract that later runs are compared with.",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Iterator[None]:
    """Name the database before a conftest imports the application."""
    wanted = early_config.known_args_namespace.onetrip_database
    if wanted != "both" and (wanted or _names_app(early_config.rootpath)):
        from onetrip.testing.run import Run

        run = early_config.stash[_RUN] = Run.begin(wanted, early_config.rootpath, idle=not _IDLE.isdisjoint(args))
        os.environ |= run.environment
    return (yield)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run everything twice, once on each database: an application is made for one when it is imported."""
    if config.option.onetrip_database != "both" or "PYTEST_XDIST_WORKER" in os.environ:
        return None
    codes = []
    for number, name in enumerate(("sqlite", "postgresql")):
        more = (
            ["--cov-append"] if number and any(arg.startswith("--cov") for arg in config.invocation_params.args) else []
        )
        command = [sys.executable, "-m", "pytest", *config.invocation_params.args, f"{_OPTION}={name}", *more]
        codes.append(subprocess.run(command, cwd=config.invocation_params.dir).returncode)
    return max(codes)


def pytest_configure(config: pytest.Config) -> None:
    """Bring the fixtures along where they are used."""
    if (run := config.stash.get(_RUN, None)) is not None:
        from onetrip.testing import fixtures

        config.stash[fixtures.RUN] = run
        config.pluginmanager.register(fixtures, "onetrip-fixtures")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the databases of the run, and stop a server that it started."""
    if (run := config.stash.get(_RUN, None)) is not None:
        run.end()


def _names_app(root: Path) -> bool:
    try:
        tool = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError):
        return False
    return "app" in tool.get("onetrip", {})
