"""Statements of a copy, and of the table that is copied, in words that whoever reads them next understands.

Alembic copies values of computed columns, too, which SQLite refuses. SQLAlchemy takes two constraints whose names are
quoted for one with a long name, finds none whose names stand in brackets, and ends an expression at the end of a line.
"""

import re
from collections.abc import Set

from onetrip.migrations.guard.definition import TOKENS, name_in, read_definition

_TABLE = re.compile(r"\s*CREATE\s+(?:TEMP\w*\s+)?TABLE\b", re.IGNORECASE)
_SPACE = re.compile(r"\s+|--.*|/\*.*", re.DOTALL)


def quoted_plainly(sql: str) -> str:
    """Write a CREATE TABLE as SQLAlchemy reads it: a line for each part, names of constraints without quotes."""
    written: list[str] = []
    before = ""
    for token in TOKENS.findall(sql):
        if before == "constraint" and re.fullmatch(r"\w+", name_in(token)):
            written.append(name_in(token))
        elif token[0] in "`[" and len(token) > 1:
            written.append('"' + name_in(token).replace('"', '""') + '"')
        else:
            written.append(token)
        before = before if _SPACE.fullmatch(token) else token.lower()
    text = "".join(written)
    return read_definition(text).text() if _TABLE.match(text) else text


def without_values(insert: str, columns: Set[str]) -> str:
    """Leave columns, and what is selected for them, out of `INSERT INTO … (…) SELECT … FROM …`."""
    tokens = TOKENS.findall(insert)
    opened, closed = tokens.index("("), tokens.index(")")
    selected = [token.upper() for token in tokens].index("SELECT", closed)
    names, _ = _listed(tokens[opened + 1 : closed])
    values, rest = _listed(tokens[selected + 1 :])
    kept = [pair for pair in zip(names, values, strict=True) if name_in(pair[0]) not in columns]
    into, select = "".join(tokens[: opened + 1]), "".join(tokens[closed : selected + 1])
    return f"{into}{', '.join(name for name, _ in kept)}{select} {', '.join(value for _, value in kept)} {rest}"


def _listed(tokens: list[str]) -> tuple[list[str], str]:
    """Split at the commas outside of parentheses, up to FROM; answer that and what follows, too."""
    items, depth = [""], 0
    for number, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 and token.upper() == "FROM":
            return [item.strip() for item in items], "".join(tokens[number:])
        if depth == 0 and token == ",":
            items.append("")
        else:
            items[-1] += token
    return [item.strip() for item in items], ""
