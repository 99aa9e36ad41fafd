"""Scripts that are judged: written into a folder, recorded, and run on a real database."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from alembic.util.pyfiles import load_python_file
from sqlalchemy.dialects import postgresql

from onetrip.migrations.facts import UNKNOWN, Facts
from onetrip.migrations.lint.judge import examine
from onetrip.migrations.lint.recorder import Revision
from onetrip.migrations.lint.rule import Finding, Judged
from tests.migrations import histories

SCHEMA = """
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE TABLE author (id bigint PRIMARY KEY, name text, email text);
CREATE TABLE post (
  id bigint PRIMARY KEY, title text, body text, views integer, code varchar(20), price numeric(10, 2), at timestamp,
  author_id bigint
);
CREATE INDEX ix_post_views ON post (views);
"""
ROWS = """
INSERT INTO author VALUES (1, 'Homer', 'h@example.org'), (2, 'Sappho', 's@example.org');
INSERT INTO post (id, title, views, author_id) VALUES (1, 'Iliad', 1, 1), (6000, 'Odyssey', 2, 1);
"""


def revision(folder: Path, forth: str, back: str = "pass", dialect: str = "postgresql", name: str = "r1") -> Revision:
    """Write a revision and read it as Alembic does."""
    path = histories.write(folder, name, None, forth, back)
    return Revision(Script(load_python_file(folder, path.name), name, path), dialect)


def whole(folder: Path, source: str, dialect: str = "postgresql", name: str = "w1") -> Revision:
    """Write a revision from its whole text, but for what every revision has."""
    head = "import sqlalchemy as sa\nfrom alembic import op\nfrom sqlalchemy.dialects import postgresql\n\n"
    path = folder / f"{name}.py"
    path.write_text(f"{head}revision = {name!r}\ndown_revision = None\n\n\n{source}\n")
    return Revision(Script(load_python_file(folder, path.name), name, path), dialect)


def findings(of: Revision, facts: Facts = UNKNOWN, earlier: Sequence[Revision] = ()) -> list[Finding]:
    """What is found, but for the way back, which is not what most tests are about."""
    return [each for each in examine(Judged(of, facts, earlier)) if each.rule != "M23"]


def rules(of: Revision, facts: Facts = UNKNOWN, earlier: Sequence[Revision] = ()) -> list[str]:
    """The rules that found something."""
    return [each.rule for each in findings(of, facts, earlier)]


def parts(safe: str) -> list[str]:
    """The revisions of a safe script."""
    return re.split(r"\n\n\n# In a later revision.*\n", safe)


def reset(connection: sa.Connection, *, rows: bool) -> None:
    """Begin with the tables of `SCHEMA`, and nothing else."""
    connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;" + SCHEMA + (ROWS if rows else ""))
    connection.commit()


def run(connection: sa.Connection, source: str) -> None:
    """Run the `upgrade()` of a script in a transaction."""
    names: dict[str, Any] = {"sa": sa, "op": op, "postgresql": postgresql}
    exec(compile(source, "script", "exec"), names)
    context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
    with context.begin_transaction(_per_migration=True), Operations.context(context):
        names["upgrade"]()
    connection.commit()
