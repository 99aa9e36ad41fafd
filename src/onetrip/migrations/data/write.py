"""New files of data migrations: an empty one to complete, and one that fills a column."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.util import rev_id

from onetrip.errors import ConfigurationError
from onetrip.migrations.data.chain import FOLDER, read_chain
from onetrip.migrations.history import read_history
from onetrip.migrations.layout import escaped, quoted
from onetrip.migrations.project import Project

_HEAD = '''\
"""{title}

Data migration: {revision}
After: {after}
Create Date: {created}
"""

import sqlalchemy as sa

revision = {quoted_revision}
down_revision = {quoted_after}

# The revision of the schema that has to be applied before.
depends_on = {depends_on}

# How many rows the first batch has; later ones have as many as are done quickly.
batch_size = 1000

# The table as this file needs it, whatever the application becomes: its primary key, and what is read and written.
'''

_EMPTY = '''\
table = sa.table("post", sa.column("id"), sa.column("title"), sa.column("slug"))

# Which rows it is about. Without it: all.
where = table.c.slug.is_(None)


def batch(connection, rows, chosen):
    """Change some rows, in one transaction: 'rows' are those, 'chosen' is the condition that is true for them."""
    connection.execute(table.update().where(chosen).values(slug=sa.func.lower(table.c.title)))

    # In Python:
    # one = table.update().where(table.c.id == sa.bindparam("of")).values(slug=sa.bindparam("to"))
    # connection.execute(one, [{"of": row.id, "to": row.title.lower()} for row in rows])

    # Into another table:
    # found = sa.select(table.c.id, table.c.title).where(chosen)
    # connection.execute(other.insert().from_select(["id", "title"], found))
'''

_FILL = '''\
table = {table}

# Which rows it is about. When a revision needs this file, no row may be left for which it is true.
where = table.c[{column}].is_(None)


def batch(connection, rows, chosen):
    """Change some rows, in one transaction: 'rows' are those, 'chosen' is the condition that is true for them."""
    connection.execute(table.update().where(chosen).values({{{column}: sa.literal_column({value})}}))
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A column whose rows without a value get one: a literal of SQL. `key` is the primary key of its table."""

    schema: str | None
    table: str
    key: Sequence[str]
    column: str
    value: str


def write_new(project: Project, title: str) -> Path:
    """Write the file of a data migration that comes after all others, and after the schema as it is in the files.

    Raises `ConfigurationError` where it cannot be written.
    """
    return _write(project, title, _EMPTY, read_history(project.script()).head(), _last(project))[1]


def write_fills(project: Project, fills: Sequence[Fill], depends_on: str | None) -> list[tuple[str, Path]]:
    """Write a data migration for each column, one after the other, and answer their names and files.

    They come after a revision of the schema that need not be written yet. Raises `ConfigurationError` where one cannot
    be written.
    """
    written: list[tuple[str, Path]] = []
    after = _last(project)
    for each in fills:
        columns = ", ".join(f"sa.column({quoted(name)})" for name in dict.fromkeys((*each.key, each.column)))
        schema = f", schema={quoted(each.schema)}" if each.schema else ""
        body = _FILL.format(
            table=f"sa.table({quoted(each.table)}, {columns}{schema})", column=quoted(each.column),
            value=quoted(each.value),
        )  # fmt: skip
        written.append(_write(project, f"fill {each.table}.{each.column}", body, depends_on, after))
        after = written[-1][0]
    return written


def _last(project: Project) -> str | None:
    chain = read_chain(project)
    return chain[-1].revision if chain else None


def _write(project: Project, title: str, body: str, depends_on: str | None, after: str | None) -> tuple[str, Path]:
    revision, now = rev_id(), datetime.now(UTC)
    folder = Path(project.script().dir) / FOLDER
    slug = "_".join(re.findall(r"\w+", title.lower()))[:40].strip("_")
    path = folder / f"{now:%Y%m%d_%H%M%S}_{revision}_{slug}.py"
    head = _HEAD.format(
        title=escaped(title), revision=revision, after=after or "nothing", created=now.replace(tzinfo=None),
        quoted_revision=quoted(revision), quoted_after=quoted(after), depends_on=quoted(depends_on),
    )  # fmt: skip
    text = head + body
    ast.parse(text)
    try:
        folder.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"'{path}' cannot be written: {error.strerror}.") from error
    return revision, path
