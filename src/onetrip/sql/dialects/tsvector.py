"""Searching on PostgreSQL: a generated column of type `tsvector` with a GIN index.

https://www.postgresql.org/docs/current/textsearch-tables.html. Everything but words is taken out of a text first: the
parser would see addresses, paths and numbers with a sign in it, which no other database does.
"""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select
from sqlalchemy.dialects import postgresql as pg

from onetrip.schema.model import Search
from onetrip.schema.words import FOLDED, SEPARATORS, Searched, Term
from onetrip.sql.dialects.full_text import CHARACTERS, NAME, FullText, SearchIndex, Sought
from onetrip.sql.template import Template, quoted

_FORM = 1
"""Of the text that is searched; a change of it makes every index an old one."""

_COMMENT = re.compile(r"onetrip searches here: (?P<columns>.+); (?P<language>\w+); \d+", re.DOTALL)
_COLUMN = re.compile(r"(.+?) ([A-D])(?:, |$)", re.DOTALL)

_BY_LENGTH = 1  # https://www.postgresql.org/docs/current/textsearch-controls.html#TEXTSEARCH-RANKING
_GAP = "''' '':1'::tsvector"  # a word that nobody can search for, so that no phrase goes on in the next column


class TSVector(FullText):
    """`onetrip_search @@ to_tsquery(…)`."""

    def matches(self, search: Search, row: Any, name: str) -> ColumnElement[bool]:
        """The GIN index serves it."""
        return Template(f'{{0}}."{NAME}" @@ {_query(search)}', row.table_valued(), _sought(name), type_=sa.Boolean())

    def ranked(self, search: Search, rows: Select[Any], row: Any, name: str) -> tuple[Select[Any], Any]:
        """`ts_rank`, for the length of the text: `ts_rank_cd` takes ten times as long for many common words."""
        rank = f'ts_rank({{0}}."{NAME}", {_query(search)}, {_BY_LENGTH}) DESC'
        return rows.where(self.matches(search, row, name)), Template(rank, row.table_valued(), _sought(name))

    def index(self, search: Search) -> SearchIndex:
        """A column that no class knows of; its comment says how it was made."""
        preparer = pg.dialect().identifier_preparer  # type: ignore[no-untyped-call]
        table = preparer.format_table(search.table)
        count = CHARACTERS // len(search.columns)
        parts = [_words(preparer.format_column(column), weight, search, count) for column, weight in search.columns]
        columns = ", ".join(f"{column.name} {weight or 'D'}" for column, weight in search.columns)
        wanted = f"onetrip searches here: {columns}; {search.language}; {_FORM}"
        return SearchIndex(
            name=f"{search.table.fullname}.{NAME}",
            table=search.table,
            state=(
                "SELECT coalesce(col_description(attrelid, attnum), '') FROM pg_attribute"  # noqa: S608 - our names
                f" WHERE attrelid = to_regclass({_literal(table)}) AND attname = '{NAME}' AND NOT attisdropped"
            ),
            wanted=wanted,
            create=(
                *self.drop(search.table),
                f"ALTER TABLE {table} ADD COLUMN {NAME} tsvector"
                f" GENERATED ALWAYS AS ({f' || {_GAP} || '.join(parts)}) STORED",
                f"CREATE INDEX ON {table} USING gin ({NAME})",
                f"COMMENT ON COLUMN {table}.{NAME} IS {_literal(wanted)}",
            ),
        )

    def drop(self, table: sa.Table) -> tuple[str, ...]:
        """Drop the column; its index goes with it."""
        preparer = pg.dialect().identifier_preparer  # type: ignore[no-untyped-call]
        return (f"ALTER TABLE {preparer.format_table(table)} DROP COLUMN IF EXISTS {NAME}",)

    def described(self, state: str) -> tuple[Mapping[str, str | None], str] | None:
        """Read the comment of the column."""
        found = _COMMENT.fullmatch(state)
        return None if found is None else (dict(_COLUMN.findall(found["columns"])), found["language"])


def _words(column: str, weight: str | None, search: Search, count: int) -> str:
    """Write the words of a column, in its first characters."""
    text = f"left(coalesce({column}::text, ''), {count})"
    text = f"translate({text}, '{''.join(FOLDED)}', '{''.join(FOLDED.values())}')"
    words = f"to_tsvector('pg_catalog.{search.language}', regexp_replace({text}, '[{SEPARATORS}]+', ' ', 'g'))"
    return words if weight in (None, "D") else f"setweight({words}, '{weight}')"  # D is what a word has


def _query(search: Search) -> str:
    return f"to_tsquery({quoted(f'pg_catalog.{search.language}')}, {{1}})"


def _sought(name: str) -> Any:
    return sa.bindparam(name, type_=Sought(_written))


def _written(searched: Searched) -> str:
    """Write a `tsquery`: words hold nothing that it could take for syntax."""
    return " | ".join(f"({' & '.join(map(_term, terms))})" for terms in searched)


def _term(term: Term) -> str:
    words = " <-> ".join(f"'{word}'" for word in term.words) + (":*" if term.prefix else "")
    return f"!({words})" if term.excluded else f"({words})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
