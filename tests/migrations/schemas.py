"""Random tables, and random changes of them: what the property of revisions is tried with.

Tables and columns have a `key` that stays when they are renamed, so that two versions tell what became of each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import JSONB

from tests.migrations.revisions import models

Draw = Callable[[st.SearchStrategy[Any]], Any]


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


class Drawing:
    """Draws tables and changes. `kinds` are the types that the database has."""

    def __init__(self, draw: Draw, dialect: str) -> None:
        self.draw, self.key = draw, 0
        self.kinds = [*(name for name, kind in KINDS.items() if kind.only in (None, dialect)), *ENUMS]
        self.rows = True

    def choose(self, some: Any) -> Any:
        return self.draw(st.sampled_from(list(some)))

    def maybe(self) -> bool:
        return bool(self.draw(st.booleans()))

    def new_key(self) -> int:
        self.key += 1
        return self.key

    def schema(self) -> Schema:
        schema = Schema(())
        for _ in range(self.draw(st.integers(1, 3))):
            schema = self.table(schema)
        return schema

    def table(self, schema: Schema, taken: tuple[str, ...] = ()) -> Schema:
        """Add a table."""
        used = {each.name for each in schema.tables} | set(taken)
        table = Table(self.new_key(), self.choose(name for name in TABLES if name not in used), ())
        schema = Schema((*schema.tables, table))
        for _ in range(self.draw(st.integers(0, 4))):
            table = self.column(table, schema)
        for _ in range(self.draw(st.integers(0, 2))):
            table = self.item(table)
        return schema.with_table(table)

    def column(self, table: Table, schema: Schema, taken: tuple[str, ...] = ()) -> Table:
        """Add a column: of a type, one that refers to a table, or one that is computed."""
        used = {each.name for each in table.columns} | set(taken)
        free = [name for name in NAMES if name not in used]
        if not free:
            return table
        key, name, what = self.new_key(), self.choose(free), self.draw(st.integers(0, 9))
        if what == 0:
            column = Column(key, name, "integer", refers=self.choose(schema.tables).key, deleting=self.deleting())
        elif what == 1:
            column = Column(key, name, "integer", computed=self.choose(("id + 1", "id * 2")))
        else:
            column = self.typed(Column(key, name, self.choose(self.kinds), nullable=self.maybe()))
        return replace(table, columns=(*table.columns, column))

    def typed(self, column: Column) -> Column:
        """Give a column what goes with its type."""
        if column.kind in ENUMS:
            labels = tuple(sorted(set(self.draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=4)))))
            return replace(column, labels=labels, default=self.choose((None, labels[0])))
        return replace(column, labels=(), default=self.choose((None, *KINDS[column.kind].defaults)))

    def deleting(self) -> str | None:
        return self.choose((None, "CASCADE", "SET NULL"))  # type: ignore[no-any-return]

    def item(self, table: Table) -> Table:
        """Add a constraint or an index."""
        plain = [each for each in table.columns if each.computed is None and each.refers is None]
        kind = self.choose(("unique", "check", "index", "index"))
        if kind == "check":
            plain = [each for each in plain if each.kind in KINDS and KINDS[each.kind].condition is not None]
        else:
            plain = [each for each in plain if each.kind in KINDS and KINDS[each.kind].unique]
        if not plain:
            return table
        column = self.choose(plain)
        if kind == "check":
            item = Item(kind, (column.key,), str(KINDS[column.kind].condition))
        else:
            others = [each.key for each in plain if each is not column]
            columns = (column.key, self.choose(others)) if others and self.maybe() else (column.key,)
            textual = isinstance(KINDS[column.kind].make(), sa.String)
            forms = ("", "partial", "unique", "down", *(("lower",) if textual else ()))
            item = Item(kind, columns, "" if kind == "unique" else self.choose(forms))
        if "unique" in (item.kind, item.form) and any(
            each.default is not None for each in table.columns if each.key in item.columns
        ):
            self.rows = False
        if item in table.items or any(_called(each) == _called(item) for each in table.items):
            return table
        return replace(table, items=(*table.items, item))

    def change(self, before: Schema) -> Change:
        """Change a schema in some ways."""
        after, done = before, []
        steps = [getattr(self, name) for name in dir(self) if name.startswith("change_")]
        for _ in range(self.draw(st.integers(1, 5))):
            step = self.choose(steps)
            changed = step(after, before)
            if changed != after:
                done.append(step.__name__.removeprefix("change_"))
            after = changed
        return Change(before, after, self.rows, tuple(done))

    def change_table_added(self, now: Schema, before: Schema) -> Schema:
        return self.table(now, tuple(each.name for each in before.tables))

    def change_table_dropped(self, now: Schema, before: Schema) -> Schema:
        if len(now.tables) < 2:
            return now
        gone = self.choose(now.tables).key

        def without(column: Column) -> Column:
            return replace(column, refers=None, deleting=None) if column.refers == gone else column

        kept = (each for each in now.tables if each.key != gone)
        return Schema(tuple(replace(each, columns=tuple(map(without, each.columns))) for each in kept))

    def change_table_renamed(self, now: Schema, before: Schema) -> Schema:
        used = {each.name for each in (*now.tables, *before.tables)}
        return now.with_table(
            replace(self.choose(now.tables), name=self.choose(name for name in TABLES if name not in used))
        )

    def change_column_added(self, now: Schema, before: Schema) -> Schema:
        table = self.choose(now.tables)
        return now.with_table(self.column(table, now, tuple(_names(before, table))))

    def change_column_dropped(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None:
            return now
        kept = tuple(each for each in table.columns if each is not column)
        items = tuple(each for each in table.items if column.key not in each.columns)
        primary = tuple(key for key in table.primary if key != column.key)
        return now.with_table(replace(table, columns=kept, items=items, primary=primary))

    def change_column_renamed(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        used = {*_names(before, table), *(each.name for each in table.columns)}
        free = [name for name in NAMES if name not in used]
        if column is None or not free:
            return now
        return now.with_table(_with(table, replace(column, name=self.choose(free))))

    def change_column_widened(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None or column.kind in ENUMS or column.computed or column.refers is not None:
            return now
        wider = KINDS[column.kind].wider
        if not wider:
            return now
        kind = self.choose(wider)
        default = column.default if column.default in KINDS[kind].defaults else None
        return now.with_table(_without_items(_with(table, replace(column, kind=kind, default=default)), column))

    def change_column_retyped(self, now: Schema, before: Schema) -> Schema:
        """To a text, or from one: between any other two there may be no way."""
        table, column = self.some_column(now)
        if column is None or column.computed or column.refers is not None or column.key in table.primary:
            return now
        if column.kind in ("native", "list"):
            return now
        kinds = [name for name in self.kinds if name not in ENUMS] if column.kind == "text" else ["text"]
        self.rows = False
        changed = self.typed(replace(column, kind=self.choose(kinds)))
        return now.with_table(_without_items(_with(table, changed), column))

    def change_column_nullable(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None or column.computed or column.refers is not None or column.key in table.primary:
            return now
        if any(column.key in each.columns for each in table.items):
            self.rows = False  # what is filled alike is not unique
        return now.with_table(_with(table, replace(column, nullable=not column.nullable)))

    def change_default(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None or column.computed or column.refers is not None:
            return now
        defaults = column.labels if column.kind in ENUMS else KINDS[column.kind].defaults
        return now.with_table(_with(table, replace(column, default=self.choose((None, *defaults)))))

    def change_comment(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        comment = self.choose((None, "how it's called", "100% : true"))
        return now if column is None else now.with_table(_with(table, replace(column, comment=comment)))

    def change_labels(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None or column.kind not in ENUMS:
            return now
        labels = tuple(dict.fromkeys(self.draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=5))))
        if not set(column.labels) <= set(labels):
            self.rows = False
        default = column.default if column.default in labels else None
        return now.with_table(_with(table, replace(column, labels=labels, default=default)))

    def change_computed(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None or column.computed is None:
            return now
        return now.with_table(_with(table, replace(column, computed=self.choose(("id + 1", "id * 2", "id - 3")))))

    def change_deleting(self, now: Schema, before: Schema) -> Schema:
        table, column = self.some_column(now)
        if column is None or column.refers is None:
            return now
        return now.with_table(_with(table, replace(column, deleting=self.deleting())))

    def change_item_added(self, now: Schema, before: Schema) -> Schema:
        return now.with_table(self.item(self.choose(now.tables)))

    def change_item_dropped(self, now: Schema, before: Schema) -> Schema:
        table = self.choose(now.tables)
        if not table.items:
            return now
        gone = self.choose(table.items)
        return now.with_table(replace(table, items=tuple(each for each in table.items if each is not gone)))

    def change_primary(self, now: Schema, before: Schema) -> Schema:
        table = self.choose(now.tables)
        if any(column.refers == table.key for each in now.tables for column in each.columns):
            return now
        free = [each.key for each in table.columns if not each.nullable and each.kind in ("integer", "short", "text")]
        fit = [key for key in free if not any(key in item.columns for item in table.items)]
        if table.primary:
            return now.with_table(replace(table, primary=()))
        return now.with_table(replace(table, primary=(self.choose(fit),))) if fit else now

    def some_column(self, schema: Schema) -> tuple[Table, Column | None]:
        table = self.choose(schema.tables)
        return table, self.choose(table.columns) if table.columns else None


def _called(item: Item) -> tuple[Any, ...]:
    return item.kind, item.form if item.kind == "index" else "", item.columns[:1]


def _names(schema: Schema, table: Table) -> Iterator[str]:
    yield from (column.name for each in schema.tables if each.key == table.key for column in each.columns)


def _with(table: Table, column: Column) -> Table:
    return replace(table, columns=tuple(column if each.key == column.key else each for each in table.columns))


def _without_items(table: Table, column: Column) -> Table:
    """A condition of one type may be none of another."""
    return replace(table, items=tuple(each for each in table.items if column.key not in each.columns))


@st.composite
def changes(draw: Any, dialect: str) -> Change:
    """Tables, and what becomes of them."""
    drawing = Drawing(draw, dialect)
    return drawing.change(drawing.schema())
