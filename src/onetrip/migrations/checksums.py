"""What revisions did when they were applied, kept in the database, so that one that was edited since is noticed."""

import ast
import hashlib
from pathlib import Path

import sqlalchemy as sa

from onetrip.errors import ConfigurationError
from onetrip.migrations.history import History

TABLE = "onetrip_revision"
"""The table where checksums are kept: made by the first revision that is applied, and part of no revision."""

_table = sa.Table(
    TABLE, sa.MetaData(), sa.Column("revision", sa.String(255), primary_key=True), sa.Column("checksum", sa.String(64))
)


def remember(connection: sa.Connection, revision: str, file: Path) -> None:
    """Note that a revision was applied, in the transaction that applied it."""
    _table.create(connection, checkfirst=True)
    forget(connection, revision)
    connection.execute(_table.insert().values(revision=revision, checksum=checksum(file)))


def forget(connection: sa.Connection, revision: str) -> None:
    """Note that a revision was taken back."""
    if sa.inspect(connection).has_table(TABLE):
        connection.execute(_table.delete().where(_table.c.revision == revision))


def edited(connection: sa.Connection, history: History) -> list[str]:
    """Find the revisions that were applied and whose files say something else now."""
    if not sa.inspect(connection).has_table(TABLE):
        return []
    rows = connection.execute(sa.select(_table.c.revision, _table.c.checksum).order_by(_table.c.revision)).all()
    files = {name: Path(script.path) for name, script in history.revisions.items()}
    return [str(name) for name, applied in rows if name in files and checksum(files[name]) != applied]


def refuse_edited(connection: sa.Connection, history: History) -> None:
    """Raise `ConfigurationError` for a revision that was edited after it was applied."""
    found = edited(connection, history)
    if found:
        raise ConfigurationError(
            f"Revision {' and '.join(found)} was edited after it was applied to this database: what it says now never "
            "happened. Undo the edit and write a new revision."
        )


def checksum(file: Path) -> str:
    """Answer what changes when a revision does something else, and not when it is only written differently.

    Comments, line breaks, quotes and docstrings do not count.
    """
    return hashlib.sha256(_code(ast.parse(file.read_bytes())).encode()).hexdigest()


def _code(node: object) -> str:
    """Write a syntax tree in words that are the same in every version of Python: nothing is said of what is empty."""
    if isinstance(node, list):
        return f"[{','.join(_code(each) for each in node if not _docstring(each))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []) and name != "kind")
    return f"{type(node).__name__}({','.join(f'{name}={_code(value)}' for name, value in fields)})"


def _docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
