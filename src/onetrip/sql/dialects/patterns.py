"""Operators of text: what a client wrote, as the pattern of a database.

In every operator but `like` and `ilike` all characters stand for themselves. In those, `%` is any text, `_` any
character, and a backslash lets the next one stand for itself. Upper and lower case are the same in operators with an
`i` in front: by the simple lower-case mapping of Unicode, character by character, as PostgreSQL's `lower` does it.
"""

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

_PART = re.compile(r"\\(.)|(%)|(_)|([^\\%_]|\\$)", re.DOTALL)
_AROUND = {"contains": (True, True), "startswith": (False, True), "endswith": (True, False)}

Piece = tuple[str, str]
"""`("text", characters)`, `("any", "")` for any text, `("one", "")` for any character."""


def ignores_case(operator: str) -> bool:
    """Say whether an operator takes upper and lower case for the same."""
    return operator.removeprefix("i") in (*_AROUND, "like") and operator.startswith("i")


def fold(text: str) -> str:
    """Write each character in lower case."""
    lower = text.lower()
    if len(lower) == len(text) and "Σ" not in text:
        return lower
    return "".join(character.lower()[0] for character in text)


def pieces(operator: str, text: str) -> list[Piece]:
    """Take apart what an operator looks for."""
    around = _AROUND.get(operator.removeprefix("i") if ignores_case(operator) else operator)
    if around is not None:
        before, after = around
        return [("any", "")] * before + [("text", text)] + [("any", "")] * after
    found: list[Piece] = []
    for escaped, some, one, plain in _PART.findall(text):
        found.append(("any", "") if some else ("one", "") if one else ("text", escaped or plain))
    return found


def like_pattern(operator: str, text: str) -> str:
    """Write a pattern of `LIKE`, with backslashes before what stands for itself."""
    signs = {"any": "%", "one": "_"}
    return "".join(signs.get(kind) or re.sub(r"([\\%_])", r"\\\1", part) for kind, part in pieces(operator, text))


def glob_pattern(operator: str, text: str) -> str:
    """Write a pattern of SQLite's `GLOB`, with brackets around what stands for itself."""
    signs = {"any": "*", "one": "?"}
    pattern = "".join(signs.get(kind) or re.sub(r"([*?\[])", r"[\1]", part) for kind, part in pieces(operator, text))
    return fold(pattern) if ignores_case(operator) else pattern


class Pattern(sa.types.TypeDecorator[str]):
    """A placeholder whose value is turned into a pattern on its way to the driver."""

    impl = sa.Text
    cache_ok = False

    def __init__(self, operator: str, write: Callable[[str, str], str]) -> None:
        super().__init__()
        self.operator = operator
        self.write = write

    def copy(self, **options: Any) -> "Pattern":
        """Make another one."""
        return Pattern(self.operator, self.write)

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Write the pattern."""
        return None if value is None else self.write(self.operator, value)
