"""SQLite's own words: the statements that made a schema are all that it keeps. Read here into their parts.

Only what SQLite accepted is read, so nothing is refused. Expressions come out written in one way: spaces, comments and
quotes that mean nothing are gone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.dialects import sqlite

from onetrip.migrations.snapshot.model import Constraint, Kind

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<text>[xX]?'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<word>[\w$]+(?:\.\d+)?)
    |(?P<sign>->>|->|\|\||<<|>>|<=|>=|<>|==|!=|.)""",
    re.VERBOSE | re.DOTALL,
)
_BEFORE_BRACKET = frozenset((
    "IN", "AND", "OR", "NOT", "CHECK", "AS", "REFERENCES", "KEY", "UNIQUE", "WHERE", "ON", "THEN", "WHEN", "ELSE",
    "BETWEEN", "LIKE", "IS", "EXISTS", "OVER", "CASE",
))  # fmt: skip
_ACTIONS = {"SET": 2, "NO": 2}  # words of what happens ON DELETE: `SET NULL`, `NO ACTION`; one otherwise
_CONSTRAINT_WORDS = frozenset(("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "FOREIGN"))
_quote = sqlite.dialect().identifier_preparer.quote

Tokens = Sequence[str]


@dataclass(slots=True)
class Statement:
    """What a CREATE TABLE says beyond `PRAGMA table_xinfo`: by the names of columns, and its constraints."""

    collations: dict[str, str] = field(default_factory=dict)
    generated: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    constraints: list[Constraint] = field(default_factory=list)


def tokens(text: str) -> list[str]:
    """Split SQL. Names are quoted only where they must be."""
    found = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "quoted":
            found.append(_quote(_unquoted(match[0])))
        elif match.lastgroup != "blank":
            found.append(match[0])
    return found


def written(parts: Tokens) -> str:
    """Join tokens to SQL, in one way only."""
    text, before = "", "("
    for part in parts:
        tight = before in "(." or part in "),." or (part == "(" and _is_name(before))
        text += part if tight else f" {part}"
        before = part
    return text


def expression(parts: Tokens) -> str:
    """Join the tokens of an expression, without parentheses around all of it."""
    while len(parts) > 1 and parts[0] == "(" and _closing(parts, 0) == len(parts) - 1:
        parts = parts[1:-1]
    return written(parts)


def index(statement: str) -> tuple[str, tuple[str, ...]]:
    """Answer what stands behind the table in a CREATE INDEX, and the names in it."""
    parts = tokens(statement)
    start = parts.index("(")
    end = _closing(parts, start)
    text = written(parts[start : end + 1])
    if end + 1 < len(parts):  # WHERE
        text += f" WHERE {expression(parts[end + 2 :])}"
    return text, tuple(_unquoted(part) for part in parts[start + 1 : end] if _is_name(part))


def table(statement: str) -> Statement:
    """Read a CREATE TABLE."""
    parts = tokens(statement)
    start = parts.index("(")
    found = Statement()
    for item in split(parts[start + 1 : _closing(parts, start)]):
        if item[0].upper() in _CONSTRAINT_WORDS:
            _read(found, item, None)
        else:
            _read(found, item[1:], _unquoted(item[0]))
    return found


def split(parts: Tokens) -> list[Tokens]:
    """Split at the commas that stand in no parentheses."""
    items: list[list[str]] = [[]]
    depth = 0
    for part in parts:
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == "," and not depth:
            items.append([])
        else:
            items[-1].append(part)
    return [item for item in items if item]


def _read(found: Statement, item: Tokens, column: str | None) -> None:
    """Read the constraints of a table, or what stands behind the name of a column."""
    position, name = 0, None
    while position < len(item):
        word = item[position].upper()
        start, position = position, position + 1
        if word == "CONSTRAINT":
            name = _unquoted(item[position])
            position += 1
        elif word == "CHECK":
            position = _closing(item, position) + 1
            add(found, name, "check", f"CHECK ({expression(item[start + 1 : position])})", ())
            name = None
        elif word in ("UNIQUE", "PRIMARY", "FOREIGN", "REFERENCES"):
            position = _key(found, item, start, column, name)
            name = None
        elif word == "COLLATE" and column is not None:
            found.collations[column] = _unquoted(item[position])
            position += 1
        elif word == "AS" and column is not None:
            end = _closing(item, position)
            kind = item[end + 1].upper() if end + 1 < len(item) else ""
            found.generated[column] = f"({expression(item[position : end + 1])}) {kind or 'VIRTUAL'}"
            position = end + 1
        elif word == "(":  # of a type, or of a default
            position = _closing(item, start) + 1


def add(found: Statement, name: str | None, kind: Kind, text: str, columns: tuple[str, ...]) -> None:
    """Add a constraint to those of a statement."""
    found.constraints.append(Constraint(name=name, kind=kind, definition=text, columns=columns))


def _key(found: Statement, item: Tokens, start: int, column: str | None, name: str | None) -> int:
    """Read a key of a table or of a column: where it ends."""
    word, position = item[start].upper(), start + 1
    if word in ("PRIMARY", "FOREIGN"):
        position += 1
    if column is None:
        end = _closing(item, position)
        listed = written(item[position + 1 : end])
        columns = tuple(_unquoted(part) for part in item[position + 1 : end] if _is_name(part))
        position = end + 1
    else:
        listed, columns = _quote(column), (column,)
    if word in ("FOREIGN", "REFERENCES"):
        position = position if word == "REFERENCES" else position + 1
        end = _references(item, position)
        text = f"FOREIGN KEY({listed}) REFERENCES {_target(item[position:end])}"
        add(found, name, "foreign", text, columns)
        return end
    if word == "UNIQUE":
        add(found, name, "unique", f"UNIQUE ({listed})", columns)
        return position
    while position < len(item) and item[position].upper() in ("ASC", "DESC", "AUTOINCREMENT"):
        found.numbered |= item[position].upper() == "AUTOINCREMENT"
        position += 1
    add(found, name, "primary", f"PRIMARY KEY ({listed})", columns)
    return position


def _references(item: Tokens, position: int) -> int:
    """Find the end of what follows REFERENCES."""
    position += 1
    if position < len(item) and item[position] == "(":
        position = _closing(item, position) + 1
    while position < len(item):
        word = item[position].upper()
        if word == "ON":
            position += 2 + _ACTIONS.get(item[position + 2].upper(), 1)
        elif word in ("MATCH", "INITIALLY"):
            position += 2
        elif word == "DEFERRABLE":
            position += 1
        elif word == "NOT" and item[position + 1].upper() == "DEFERRABLE":
            position += 2
        else:
            break
    return position


def _target(parts: Tokens) -> str:
    """Write what is referred to, and how, in one order: SQLite takes ON DELETE and ON UPDATE in any."""
    end = _closing(parts, 1) + 1 if len(parts) > 1 and parts[1] == "(" else 1
    target, clauses, position = written(parts[:end]), [], end
    while position < len(parts):
        stop = position + 1
        while stop < len(parts) and parts[stop].upper() not in ("ON", "MATCH", "DEFERRABLE", "NOT"):
            stop += 1
        if parts[position].upper() == "NOT":
            stop += 1
        clauses.append(" ".join(part.upper() for part in parts[position:stop]))
        position = stop
    return " ".join((target, *sorted(each for each in clauses if each not in _NOTHING)))


_NOTHING = ("ON DELETE NO ACTION", "ON UPDATE NO ACTION", "NOT DEFERRABLE", "MATCH SIMPLE")


def _closing(parts: Tokens, start: int) -> int:
    depth = 0
    for position in range(start, len(parts)):
        depth += {"(": 1, ")": -1}.get(parts[position], 0)
        if not depth:
            return position
    return len(parts) - 1


def _is_name(part: str) -> bool:
    return (part[0].isalpha() or part[0] in '_"') and part.upper() not in _BEFORE_BRACKET


def _unquoted(name: str) -> str:
    if name[0] == "[":
        return name[1:-1]
    if name[0] in '"`':
        return name[1:-1].replace(name[0] * 2, name[0])
    return name
