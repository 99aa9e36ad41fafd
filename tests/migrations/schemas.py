"""Tables as values, and two versions of them: what the property of revisions is tried with.

Tables and columns have a `key` that stays when they are renamed, so that two versions tell what became of each.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tests.migrations.revisions import models


@dataclass(frozen=True)
class Kind:
    """A type: how it is made, defaults of the database for it, a condition, and a value for rows that exist.

    `wider` are types that hold every value of this one, and every value of which that was one is read back.
    """

    make: Callable[[], Any]
    defaults: tuple[str, ...] = ()
    condition: str | None = None
    fill: str = ""
    unique: bool = True
    wider: tuple[str, ...] = ()
    only: str | None = None


KINDS = {
    "small": Kind(sa.SmallInteger, ("0", "7"), "{} >= 0", "3", wider=("integer", "big")),
    "integer": Kind(sa.Integer, ("0", "7", "-1"), "{} BETWEEN 0 AND 100000", "3", wider=("big", "number", "text")),
    "big": Kind(sa.BigInteger, ("0",), "{} <> 5000000000", "3", wider=("number",)),
    "money": Kind(lambda: sa.Numeric(8, 2), ("0", "1.50"), "{} >= 0", "3.5", wider=("more", "number")),
    "more": Kind(lambda: sa.Numeric(10, 2), ("0",), "{} >= 0", "3.5", wider=("number",)),
    "number": Kind(sa.Numeric, ("0",), "{} >= 0", "3"),
    "float": Kind(sa.Float, ("0.5",), "{} >= 0", "3", unique=False),
    "short": Kind(lambda: sa.String(20), ("x", "it's"), "{} <> ''", "a", wider=("string", "text", "long")),
    "long": Kind(lambda: sa.String(40), ("x",), "{} <> ''", "a", wider=("string", "text")),
    "string": Kind(sa.String, ("", "50%"), "{} <> 'it''s'", "a", wider=("text",)),
    "text": Kind(sa.Text, ("a:b",), "{} NOT LIKE '%z'", "a"),
    "bool": Kind(sa.Boolean, ("false", "true"), None, "true", unique=False),
    "date": Kind(sa.Date, ("2026-01-31",), "{} > '1900-01-01'", "2026-01-31"),
    "naive": Kind(sa.DateTime, ("now",), None, "2026-01-31T09:30:00", wider=("aware",)),
    "aware": Kind(lambda: sa.DateTime(timezone=True), ("now",), None, "2026-01-31T09:30:00Z"),
    "time": Kind(sa.Time, ("09:30:00",), None, "09:30", unique=False),
    "uuid": Kind(sa.Uuid, (), None, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "bytes": Kind(sa.LargeBinary, (), None, "a"),
    "json": Kind(sa.JSON, ("{}", "[]"), None, "{}", unique=False),
    "document": Kind(lambda: sa.JSON().with_variant(JSONB(), "postgresql"), ("{}",), None, "{}", unique=False),
    "list": Kind(lambda: sa.ARRAY(sa.Integer), ("{}",), None, "[]", unique=False, only="postgresql"),
    "span": Kind(sa.Interval, (), None, "PT5M", unique=False, only="postgresql"),
}
ENUMS = ("native", "stored")
LABELS = ("calm", "glad", "it's", "low", "sad")
NAMES = ("name", "Title", "order", "size", "group", "note", "level", "total_price", "x", "y2", "user", "kind_of")
TABLES = ("person", "order", "Team", "line_item", "tag", "user", "badge", "b")


@dataclass(frozen=True)
class Column:
    """`kind` is a name in `KINDS`, or an enum with its labels. `refers` is the key of a table."""

    key: int
    name: str
    kind: str
    nullable: bool = True
    default: str | None = None
    labels: tuple[str, ...] = ()
    refers: int | None = None
    deleting: str | None = None
    comment: str | None = None
    computed: str | None = None


@dataclass(frozen=True)
class Item:
    """A check, a unique constraint or an index of columns, by their keys."""

    kind: str
    columns: tuple[int, ...]
    form: str = ""


@dataclass(frozen=True)
class Table:
    """A table, whose primary key is the column `id`, and others of `primary`."""

    key: int
    name: str
    columns: tuple[Column, ...]
    items: tuple[Item, ...] = ()
    primary: tuple[int, ...] = ()


@dataclass(frozen=True)
class Schema:
    """Some tables."""

    tables: tuple[Table, ...]

    def with_table(self, table: Table) -> "Schema":
        """Put a table in the place of the one that it was."""
        return Schema(tuple(table if each.key == table.key else each for each in self.tables))

    def metadata(self) -> sa.MetaData:
        """Declare the tables."""
        metadata = models()
        names = {table.key: table.name for table in self.tables}
        for table in self.tables:
            columns = {each.key: _column(each, names, table) for each in table.columns}
            number = sa.Column("id", sa.Integer, primary_key=True, autoincrement=not table.primary)
            items = [_item(each, {key: made.name for key, made in columns.items()}) for each in table.items]
            sa.Table(table.name, metadata, number, *columns.values(), *items)
        return metadata


@dataclass(frozen=True)
class Change:
    """Two versions, whether rows may stay in the tables, and what was done, for whom it fails."""

    before: Schema
    after: Schema
    rows: bool = True
    done: tuple[str, ...] = field(default=(), compare=False)

    def options(self) -> dict[str, Any]:
        """Answer what has to be said to `new`: renames, and values for rows that exist."""
        old = {table.key: table for table in self.before.tables}
        said: dict[str, Any] = {"rename": [], "rename_table": [], "fill": [], "allow_drop": True}
        for table in self.after.tables:
            if table.key not in old:
                continue
            if old[table.key].name != table.name:
                said["rename_table"].append(f"{old[table.key].name}:{table.name}")
            columns = {each.key: each for each in old[table.key].columns}
            for column in table.columns:
                was = columns.get(column.key)
                if was is not None and was.name != column.name:
                    said["rename"].append(f"{table.name}.{was.name}:{column.name}")
                new = was is None or (was.nullable and not column.nullable)
                if new and not column.nullable and (was is not None or column.default is None):
                    said["fill"].append(f"{table.name}.{column.name}={_fill(column)}")
        return {name: value if value is True else tuple(value) for name, value in said.items()}


def _fill(column: Column) -> str:
    return column.labels[0] if column.kind in ENUMS else KINDS[column.kind].fill


def _column(column: Column, names: dict[int, str], table: Table) -> sa.Column[Any]:
    options: dict[str, Any] = {"nullable": column.nullable, "comment": column.comment}
    items: list[Any] = []
    if column.default is not None:
        options["server_default"] = sa.func.now() if column.default == "now" else (
            sa.text(column.default) if column.kind == "bool" else column.default
        )  # fmt: skip
    if column.computed is not None:
        items.append(sa.Computed(column.computed, persisted=True))
    if column.refers is not None:
        items.append(sa.ForeignKey(f"{names[column.refers]}.id", ondelete=column.deleting))
    if column.key in table.primary:
        options["primary_key"] = True
    return sa.Column(column.name, _type(column), *items, **options)


def _type(column: Column) -> Any:
    if column.kind == "native":
        return sa.Enum(*column.labels, name=f"mood_{column.key}")
    if column.kind == "stored":
        return sa.Enum(
            *column.labels, name=f"stored_{column.key}", native_enum=False, create_constraint=True, length=10
        )
    return KINDS[column.kind].make()


def _item(item: Item, names: dict[int, str]) -> Any:
    columns = [names[key] for key in item.columns]
    if item.kind == "unique":
        return sa.UniqueConstraint(*columns)
    if item.kind == "check":
        return sa.CheckConstraint(item.form.format(f'"{columns[0]}"'), name=f"of_{item.columns[0]}")
    name = "_".join(["ix", str(item.columns[0]), *(["of", item.form] if item.form else [])])
    here = sa.text(f'"{columns[0]}" IS NOT NULL')
    if item.form == "partial":
        return sa.Index(name, *columns, postgresql_where=here, sqlite_where=here)
    if item.form == "unique":
        return sa.Index(name, *columns, unique=True)
    if item.form == "lower":
        return sa.Index(name, sa.text(f'lower("{columns[0]}")'))
    if item.form == "down":
        return sa.Index(name, sa.text(f'"{columns[0]}" DESC'))
    return sa.Index(name, *columns)
