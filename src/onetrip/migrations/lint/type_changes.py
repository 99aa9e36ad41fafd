"""Whether PostgreSQL writes a table anew for another type of a column: measured, not guessed."""

import re
from typing import Any

from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_TYPE = re.compile(
    r"(?P<name>[A-Z ]+?)(?:\((?P<first>\d+)(?:, ?(?P<second>\d+))?\))?(?P<zone> WITH(?:OUT)? TIME ZONE)?"
)
_TEXTS = ("VARCHAR", "TEXT")


def type_sql(type_: Any) -> str:
    """Write a type as PostgreSQL does."""
    made = type_() if isinstance(type_, type) else type_
    return str(made.compile(dialect=_DIALECT))


def rewrites(old: Any, new: Any, utc: bool | None) -> bool:
    """Say whether the table is written anew; a type that was not said is taken for one that needs it."""
    if old is None:
        return True
    before, after = _TYPE.fullmatch(type_sql(old)), _TYPE.fullmatch(type_sql(new))
    if type_sql(old) == type_sql(new):
        return False
    if before is None or after is None:
        return True
    if before["name"] in _TEXTS and after["name"] in _TEXTS:
        return _size(after["first"]) < _size(before["first"])
    if before["name"] == after["name"] == "NUMERIC":
        return after["first"] is not None and (
            _size(after["first"]) < _size(before["first"]) or (before["second"] or "0") != (after["second"] or "0")
        )
    if before["name"] == after["name"] == "TIMESTAMP":
        narrower = _size(after["first"]) < _size(before["first"])
        return narrower or (before["zone"] != after["zone"] and not utc)
    return not (before["name"] == "CIDR" and after["name"] == "INET")


def _size(text: str | None) -> float:
    return float("inf") if text is None else int(text)
