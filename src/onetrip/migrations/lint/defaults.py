"""Whether a default is one value for all rows there are, or another one for each: then the table is written anew."""

from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from onetrip.migrations.facts import Facts
from onetrip.migrations.lint.statements import words

_STABLE = frozenset({
    "now", "transaction_timestamp", "statement_timestamp", "current_timestamp", "localtimestamp", "current_date",
    "current_time", "current_setting", "current_user", "timezone", "date_trunc", "to_timestamp", "to_char", "lower",
    "upper", "md5", "concat", "json_build_object", "jsonb_build_object", "jsonb_build_array", "to_tsvector",
    "make_interval", "make_date", "abs", "round", "floor", "length", "encode", "decode",
})  # fmt: skip
"""PostgreSQL's own functions that stand in defaults and are not volatile, for when no database can be asked."""

_SYNTAX = frozenset({"CAST", "COALESCE", "NULLIF", "GREATEST", "LEAST", "IN", "ARRAY", "ROW", "NUMERIC", "VARCHAR"})


def is_volatile(column: sa.Column[Any], facts: Facts) -> bool:
    """Say whether a column's default is volatile, as the database's own catalogue says, else as far as is known."""
    default = column.server_default
    if not isinstance(default, sa.DefaultClause) or isinstance(default.arg, str):
        return False
    tokens = words(str(default.arg))
    called = (token for token, follows in pairwise(tokens) if follows == "(")
    names = (name.replace('"', "").rpartition(".")[2].lower() for name in called if name not in _SYNTAX)
    return any(facts.functions.get(name, name not in _STABLE) for name in names if name.isidentifier())
