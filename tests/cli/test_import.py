"""Importing onetrip does not import its command line."""

import subprocess
import sys

from tests.cli.serving import environment


def test_the_command_line_is_not_imported_with_the_package() -> None:
    """`import onetrip` costs a program nothing that only the command line needs."""
    script = "import sys, onetrip; print(*sorted(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    for name in ("typer", "rich", "inflect", "alembic", "uvicorn", "onetrip.cli"):
        assert name not in output
