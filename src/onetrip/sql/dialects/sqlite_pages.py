"""Pages of lists on SQLite: positions are what is stored, whatever its type is."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.pages import Pages
from onetrip.sql.template import Template


class SQLitePages(Pages):
    """`json_array(…)` and plain placeholders."""

    def shows_as_stored(self, type_: FieldType) -> bool:
        """Everything else may be stored in several ways, or loses digits."""
        return type_.kind in ("integer", "string")

    def position(self, columns: Sequence[tuple[FieldType, Any]]) -> Any:
        """Texts as they are, and so what has to be a number or a text; floats with all digits."""
        other = "CASE typeof({0}) WHEN 'text' THEN {0} WHEN 'null' THEN NULL ELSE json(onetrip_position({0})) END"
        parts = (
            ("{0}" if self.shows_as_stored(type_) else other).replace("{0}", f"{{{number}}}")
            for number, (type_, _) in enumerate(columns)
        )
        return Template(f"json_array({', '.join(parts)})", *(column for _, column in columns))

    def value(self, type_: FieldType, column: Any, name: str) -> Any:
        """Bound as it was stored."""
        return sa.bindparam(name, type_=_Stored())


class _Stored(sa.types.TypeDecorator[Any]):
    """A value of a position: a number or a text, and bytes as an object of their digits."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value
