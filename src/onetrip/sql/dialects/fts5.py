"""Searching on SQLite: a table of FTS5, which keeps words and no texts, and triggers that keep it in step.

https://www.sqlite.org/fts5.html. The triggers are part of the database: they see the writes of every program.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select
from sqlalchemy.dialects import sqlite

from onetrip.schema.model import Search
from onetrip.schema.words import Searched, Term
from onetrip.sql.dialects.full_text import CHARACTERS, NAME, FullText, SearchIndex, Sought
from onetrip.sql.template import Template, identifier

_EVERY = "\ue000"
"""A word that every row has and that nobody can search for: FTS5 knows no exclusion from all rows."""

# What `schema.words` takes for separators, and FTS5, whose Unicode is of 2012, for letters.
_LATER = "".join(
    chr(code)
    for first, last in (
        (0x2065, 0x2069), (0x20BA, 0x20CF), (0x23F4, 0x23FF), (0x2427, 0x243F), (0x244B, 0x245F), (0x2700, 0x2700),
        (0x2B4D, 0x2BFF), (0x2E2F, 0x2E7F), (0xFE00, 0xFE0F), (0x1F000, 0x1FAFF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
_TOKENS = f"unicode61 remove_diacritics 0 categories 'L* Nd Nl M*' tokenchars '{_EVERY}' separators '{_LATER}'"
_STEMS = {"english": "porter "}
_WEIGHTS = {"A": 10, "B": 4, "C": 2, "D": 1, None: 1}  # in the ratio of PostgreSQL's
ROWIDS = ("rowid", "_rowid_", "oid")
"""What SQLite calls the number of a row, unless a column has the name."""

_KINDS = ("_delete", "_insert", "_update")
_SEARCHED = re.compile(r"substr\(new\.(?P<name>\"(?:[^\"]|\"\")+\"|\w+), 1, \d+\)")


class FTS5(FullText):
    """`onetrip_search_… MATCH …`."""

    def matches(self, search: Search, row: Any, name: str) -> ColumnElement[bool]:
        """By the number of the row, which the table of words has as well."""
        return self._row(search, row).in_(_found(search, name))  # type: ignore[no-any-return]

    def ranked(self, search: Search, rows: Select[Any], row: Any, name: str) -> tuple[Select[Any], Any]:
        """`bm25`, which can be asked only where the words are searched: joined, not compared."""
        weights = ", ".join(str(_WEIGHTS[weight]) for _, weight in search.columns)
        rank = Template(f"bm25({identifier(_name(search))}, {weights}, 0)", type_=sa.Float())
        found = _found(search, name).add_columns(rank.label("rank")).subquery()
        return rows.join(found, self._row(search, row) == found.c.row), found.c.rank

    def _row(self, search: Search, row: Any) -> Any:
        return Template(f"{{0}}.{_rowid(search)}", row.table_valued(), type_=sa.Integer())

    def index(self, search: Search) -> SearchIndex:
        """A table of words, filled, and a trigger for each way in which rows change."""
        preparer = sqlite.dialect().identifier_preparer
        name, table, rowid = _name(search), preparer.format_table(search.table), _rowid(search)
        words, columns = f'"{name}"', [preparer.format_column(column) for column, _ in search.columns]
        listed = ", ".join(f"c{number}" for number in range(len(columns)))
        key = [preparer.format_column(column) for column in search.table.primary_key]
        count = CHARACTERS // len(columns)

        def values(row: str) -> str:
            texts = ", ".join(f"substr({row}.{column}, 1, {count})" for column in columns)
            return f"{row}.{rowid}, {texts}, '{_EVERY}'"

        def put(row: str) -> str:
            return f"INSERT INTO {words}(rowid, {listed}, every) SELECT {values(row)}"

        def take(row: str) -> str:
            return f"INSERT INTO {words}({words}, rowid, {listed}, every) SELECT 'delete', {values(row)}"

        stem = _STEMS.get(search.language, "")
        made = (
            f"CREATE VIRTUAL TABLE {words} USING fts5({listed}, every, content='', tokenize=\"{stem}{_TOKENS}\")",
            f'CREATE TRIGGER "{name}_delete" AFTER DELETE ON {table} BEGIN {take("old")}; END',
            f'CREATE TRIGGER "{name}_insert" AFTER INSERT ON {table} BEGIN {put("new")}; END',
            f'CREATE TRIGGER "{name}_update" AFTER UPDATE OF {", ".join(dict.fromkeys((*key, *columns)))} ON {table}'
            f" BEGIN {take('old')}; {put('new')}; END",
        )
        names = [f"{name}{kind}" for kind in ("", *_KINDS)]
        return SearchIndex(
            name=name,
            table=search.table,
            state=(
                "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_master"  # noqa: S608 - our names
                f" WHERE name IN ({', '.join(map(_literal, names))}) ORDER BY name)"
            ),
            wanted=";".join(made),
            create=(*self.drop(search.table), *made, f"{put(table)} FROM {table}"),
        )

    def drop(self, table: sa.Table) -> tuple[str, ...]:
        """Drop the triggers, then what they write to."""
        name = f"{NAME}_{table.name}"
        return (
            *(f'DROP TRIGGER IF EXISTS "{name}{kind}"' for kind in _KINDS),
            f'DROP TABLE IF EXISTS "{name}"',
        )

    def described(self, state: str) -> tuple[Mapping[str, str | None], str] | None:
        """Read the triggers; weights are no part of an index here."""
        names = dict.fromkeys(found["name"] for found in _SEARCHED.finditer(state))
        columns = [name[1:-1].replace('""', '"') if name.startswith('"') else name for name in names]
        return (dict.fromkeys(columns), "english" if _STEMS["english"] in state else "simple") if columns else None


def _name(search: Search) -> str:
    return f"{NAME}_{search.table.name}"


def _rowid(search: Search) -> str:
    """Name the number of a row by a name that no column has."""
    return next(name for name in ROWIDS if name not in {column.name.lower() for column in search.table.c})


def _found(search: Search, name: str) -> Select[Any]:
    """Select the numbers of the rows that have what is searched for."""
    words = sa.literal_column(f'"{_name(search)}"', sa.Text())
    sought = sa.bindparam(name, type_=Sought(_written))
    found = sa.select(sa.literal_column("rowid", sa.Integer()).label("row")).select_from(sa.table(_name(search)))
    return found.where(words.op("MATCH", is_comparison=True)(sought))


def _written(searched: Searched) -> str:
    """Write an expression of FTS5: words hold no quotes, and everything else is ours."""
    return " OR ".join(f"({_alternative(terms)})" for terms in searched) or '""'


def _alternative(terms: Sequence[Term]) -> str:
    wanted = " AND ".join(_phrase(term) for term in terms if not term.excluded) or f'"{_EVERY}"'
    excluded = " OR ".join(_phrase(term) for term in terms if term.excluded)
    return f"({wanted}) NOT ({excluded})" if excluded else wanted


def _phrase(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + ("*" if term.prefix else "")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
