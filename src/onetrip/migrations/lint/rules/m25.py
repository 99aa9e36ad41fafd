"""M25: application code in a revision."""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache

from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule


def find(judged: Judged) -> Iterator[Found]:
    """Find imports of what is neither Python's nor installed."""
    return imports(judged.revision.source)


def imports(source: str) -> Iterator[Found]:
    """Find them in the source of a file."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = ["." * node.level + (node.module or "")]
        for name in names:
            if name.startswith(".") or _is_application(name.partition(".")[0]):
                yield Found(f"{name} is code of the application", _TABLE, line=node.lineno)


@cache
def _is_application(name: str) -> bool:
    if name in sys.stdlib_module_names or name in ("alembic", "sqlalchemy", "onetrip"):
        return False
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return True
    places = [str(spec.origin or ""), *(spec.submodule_search_locations or ())] if spec is not None else []
    installed = [path for word in ("purelib", "platlib") if (path := sysconfig.get_paths().get(word))]
    return not any(place.startswith(path) for place in places for path in installed)


_TABLE = """\
# the table as this revision needs it, whatever the application becomes:
post = sa.table("post", sa.column("id"), sa.column("title"))\
"""

RULE = Rule(
    id="M25",
    title="Application code in a revision",
    why="A revision runs for years, the application changes: one day the model has a column that the table does not "
    "have yet, or is gone, and no new database can be made.",
    find=find,
    dialects=BOTH,
    example="from shop.models import Post\n\nop.bulk_insert(Post.__table__, [])",
)
