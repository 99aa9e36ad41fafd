"""Projects whose revisions a test writes down: a folder that Alembic can run, for a database of the test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent, indent

import sqlalchemy as sa

from onetrip.db.url import parse_url
from onetrip.migrations.project import ATTRIBUTE, Project

INI = "[alembic]\nscript_location = %(here)s/migrations\n"
ENV = f"""\
from alembic import context
from onetrip.migrations.environment import migrate

migrate(context.config.attributes[{ATTRIBUTE!r}])
"""


def make(folder: Path, url: str, revisions: Mapping[str, Sequence[str]], *metadata: sa.MetaData) -> Project:
    """Write revisions, one after the other: what each does, and how it is taken back."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (folder / "alembic.ini").write_text(INI)
    (folder / "migrations" / "env.py").write_text(ENV)
    before: str | None = None
    for name, code in revisions.items():
        forth, back = (code, "pass") if isinstance(code, str) else code
        write(versions, name, before, forth, back)
        before = name
    return Project(folder=folder, metadata=metadata, url=parse_url(url))


def write(versions: Path, name: str, before: str | None, forth: str, back: str = "pass") -> Path:
    """Write one revision that comes after another."""
    forth, back = (indent(dedent(code).strip(), "    ") for code in (forth, back))
    file = versions / f"{name}.py"
    file.write_text(
        f'"""{name}"""\n\nimport os\n\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = {name!r}\n'
        f"down_revision = {before!r}\n\n\ndef upgrade() -> None:\n{forth}\n\n\ndef downgrade() -> None:\n{back}\n"
    )
    return file
