"""Raw SQL → what it does, as far as words tell: a tokenizer, not a parser. What it does not know is `opaque`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Verb = Literal[
    "create index", "drop index", "reindex", "add value", "rename value", "update", "delete", "insert", "validate",
    "not valid", "using index", "create view", "drop view", "set", "read", "comment", "create type", "create sequence",
    "opaque",
]  # fmt: skip

HARMLESS: frozenset[Verb] = frozenset({
    "validate", "not valid", "using index", "create view", "drop view", "set", "read", "comment", "create type",
    "create sequence", "insert",
})  # fmt: skip
"""What a rule need not be told about by a person; the rest has rules of its own, or is opaque."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<text>[eE]?'(?:[^']|'')*'|(?P<dollar>\$\w*\$).*?(?P=dollar))
    | (?P<name>"(?:[^"]|"")*"|[A-Za-z_][\w$]*(?:\s*\.\s*(?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*))*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_RANGE = frozenset({"BETWEEN", "LIMIT", "CTID"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. `name` is an index, constraint, value or view; `safe`: concurrently, or within a range of keys."""

    verb: Verb
    text: str
    table: str | None = None
    name: str | None = None
    safe: bool = False
    robust: bool = False
    unique: bool = False


def parse(sql: str) -> tuple[Statement, ...]:
    """Take a script apart at its semicolons, and tell what each statement does."""
    return tuple(_statement(text, tokens) for text, tokens in _split(sql) if tokens)


def words(sql: str) -> list[str]:
    """Take SQL apart, without its comments. Words are in capitals, names in quotes and texts as they are."""
    return [token for _, tokens in _split(sql) for token in tokens]


def _split(sql: str) -> Iterator[tuple[str, list[str]]]:
    tokens: list[str] = []
    start = 0
    for found in _TOKEN.finditer(sql):
        token = found[0]
        if found["space"]:
            continue
        if token == ";":
            yield sql[start : found.start()].strip(), tokens
            tokens, start = [], found.end()
        else:
            tokens.append(token if found["text"] or '"' in token else token.upper() if found["name"] else token)
    yield sql[start:].strip(), tokens


def _statement(text: str, tokens: Sequence[str]) -> Statement:
    said = " ".join(tokens)
    for pattern, verb in _PATTERNS:
        if found := re.match(pattern, said):
            groups = found.groupdict()
            return Statement(
                verb=verb, text=text, table=_name(groups.get("table"), text), name=_name(groups.get("name"), text),
                safe=bool(groups.get("concurrently")) or (verb in ("update", "delete") and _bounded(tokens)),
                robust=bool(groups.get("robust")), unique=bool(groups.get("unique")),
            )  # fmt: skip
    return Statement(verb="opaque", text=text)


_NAME = r"(?P<name>\S+)"
_TABLE = r"(?:ONLY )?(?P<table>\S+)"
_ALTER = rf"ALTER TABLE (?:IF EXISTS )?{_TABLE} "
_PATTERNS: tuple[tuple[str, Verb], ...] = (
    (
        r"CREATE (?P<unique>UNIQUE )?INDEX (?P<concurrently>CONCURRENTLY )?(?P<robust>IF NOT EXISTS )?"
        rf"(?:(?!ON )(?P<name>\S+) )?ON {_TABLE}",
        "create index",
    ),
    (rf"DROP INDEX (?P<concurrently>CONCURRENTLY )?(?P<robust>IF EXISTS )?{_NAME}", "drop index"),
    (r"REINDEX (?:\( [^)]* \) )?(?:INDEX|TABLE) (?P<concurrently>CONCURRENTLY )?(?P<name>\S+)", "reindex"),
    (r"ALTER TYPE (?P<table>\S+) ADD VALUE (?P<robust>IF NOT EXISTS )?(?P<name>'(?:[^']|'')*')", "add value"),
    (r"ALTER TYPE (?P<table>\S+) RENAME VALUE (?P<name>'(?:[^']|'')*')", "rename value"),
    (rf"{_ALTER}VALIDATE CONSTRAINT {_NAME}$", "validate"),
    (rf"{_ALTER}ADD CONSTRAINT {_NAME} .*NOT VALID$", "not valid"),
    (
        rf"{_ALTER}ADD CONSTRAINT {_NAME} (?:UNIQUE|PRIMARY KEY) USING INDEX \S+(?: NOT)?(?: DEFERRABLE)?"
        r"(?: INITIALLY \w+)?$",
        "using index",
    ),
    (rf"UPDATE {_TABLE}", "update"),
    (rf"DELETE FROM {_TABLE}", "delete"),  # noqa: S608  # a pattern
    (rf"INSERT INTO {_TABLE}", "insert"),
    (rf"CREATE (?P<robust>OR REPLACE )?VIEW {_NAME}", "create view"),
    (rf"DROP VIEW (?P<robust>IF EXISTS )?{_NAME}", "drop view"),
    (rf"CREATE TYPE {_NAME}", "create type"),
    (rf"CREATE SEQUENCE (?P<robust>IF NOT EXISTS )?{_NAME}", "create sequence"),
    (r"(?:SET|RESET|ANALYZE|PRAGMA)\b", "set"),
    (r"(?:SELECT|VALUES|SHOW)\b", "read"),
    (r"COMMENT ON\b", "comment"),
)


def _bounded(tokens: Sequence[str]) -> bool:
    """Say whether a change has a condition that can be a range of keys: both ends, a LIMIT, or an id and what it is."""
    if "WHERE" not in tokens:
        return False
    condition = tokens[tokens.index("WHERE") :]
    named = any(name.endswith("ID") and follows in ("=", "IN") for name, follows in pairwise(condition))
    return named or bool(_RANGE & set(condition)) or (">" in condition and "<" in condition)


def _name(token: str | None, text: str) -> str | None:
    """Write a name as the script does: capitals were given to it here."""
    if token is None:
        return None
    if token.startswith("'"):
        return token
    if '"' in token:
        return token.replace('"', "")
    found = re.search(rf"\b{re.escape(token)}", text, re.IGNORECASE)
    return (found[0] if found else token).lower()
