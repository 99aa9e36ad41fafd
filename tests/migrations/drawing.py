"""Random tables, and random changes of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from tests.migrations.schemas import ENUMS, KINDS, LABELS, NAMES, TABLES, Change, Column, Item, Schema, Table

Draw = Callable[[st.SearchStrategy[Any]], Any]


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
        first = next((each for old in before.tables for each in old.columns if each.key == column.key), column)
        if first.kind in ("native", "list"):
            return now
        kinds = [name for name in self.kinds if name not in ENUMS] if first.kind == "text" else ["text"]
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
