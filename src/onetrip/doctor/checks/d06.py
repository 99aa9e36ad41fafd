"""D06: `utcnow`."""

import ast
from collections.abc import Iterator

from onetrip.doctor.check import Application, Check, Found
from onetrip.doctor.source import called

_NAIVE = {"utcnow": "datetime.now(UTC)", "utcfromtimestamp": "datetime.fromtimestamp(…, UTC)"}
_DEFAULTS = ("default", "default_factory")


def _find(application: Application) -> Iterator[Found]:
    for source in application.sources:
        of_columns = {
            id(node)
            for call in ast.walk(source.tree)
            if isinstance(call, ast.Call) and called(call) == "Field"
            for keyword in call.keywords
            if keyword.arg in _DEFAULTS
            for node in ast.walk(keyword.value)
        }
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and node.attr in _NAIVE:
                instead = _NAIVE[node.attr]
                in_column = id(node) in of_columns
                yield Found(
                    (source.path, node.lineno),
                    f"{ast.unparse(node)} has no offset" + (", and is the value of a column" if in_column else ""),
                    f"default_factory=lambda: {instead}, or the mixin onetrip.Timestamped." if in_column else instead,
                    "error" if in_column else None,
                )


CHECK = Check(
    id="D06",
    title="A time without an offset",
    why="A session of SQLModel's refuses it on every INSERT, and Python compares it with no time that has one. It is "
    "deprecated since Python 3.12.",
    level="warning",
    find=_find,
)
