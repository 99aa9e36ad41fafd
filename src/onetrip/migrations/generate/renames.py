"""A table or column that is gone and one that is new, which are the same one: a rename keeps the rows.

Found by what they have in common, and done when somebody says so: `Choices`, or a question at the terminal.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.errors import ConfigurationError, nearest
from onetrip.migrations.generate.choices import Choices
from onetrip.migrations.generate.operations import RenameColumn, RenameTable, flat

_ALIKE = 0.5
"""How much two names, or the columns of two tables, have in common, at least: from 0 to 1."""

Typed = Callable[[sa.Column[Any]], str]
"""Answers the type of a column in the database's words."""


@dataclass(frozen=True, slots=True)
class Rename:
    """What may be a rename: `table` is `None` for that of a table."""

    schema: str | None
    table: str | None
    old: str
    new: str

    @property
    def option(self) -> tuple[str, str]:
        """The option that says so, and its value."""
        if self.table is None:
            return "rename-table", f"{qualified(self.schema, self.old)}:{self.new}"
        return "rename", f"{qualified(self.schema, self.table)}.{self.old}:{self.new}"

    @property
    def question(self) -> str:
        """What is asked at a terminal."""
        if self.table is None:
            return f"Is the table '{self.new}' the former '{self.old}'?"
        return f"Is the column '{self.new}' of '{self.table}' the former '{self.old}'?"

    @property
    def seen(self) -> str:
        """What the comparison found."""
        where = "table" if self.table is None else "column"
        of = f" of '{self.table}'" if self.table else ""
        return f"the {where} '{self.old}'{of} is gone and '{self.new}' is new"

    def operation(self) -> ops.MigrateOperation:
        """Make the operation that does it."""
        if self.table is None:
            return RenameTable(self.old, self.new, schema=self.schema)
        return RenameColumn(self.table, self.old, self.new, schema=self.schema)


def qualified(schema: str | None, table: str) -> str:
    """Write the name of a table as options have it."""
    return f"{schema}.{table}" if schema else table


def renames(operations: Sequence[ops.MigrateOperation], choices: Choices, typed: Typed) -> list[Rename]:
    """Choose the renames among drops and creates: of tables, and only when there are none, of columns.

    Raises `ConfigurationError` for what looks like a rename when nobody says that it is one.
    """
    every = list(flat(operations))
    dropped = [each for each in every if isinstance(each, ops.DropTableOp)]
    created = [each for each in every if isinstance(each, ops.CreateTableOp)]
    wanted = [*_tables(dropped, created, choices, typed)]
    return wanted or [*_columns(every, choices, typed)]


def _tables(
    dropped: Sequence[ops.DropTableOp], created: Sequence[ops.CreateTableOp], choices: Choices, typed: Typed
) -> Iterator[Rename]:
    news = list(created)
    for old in dropped:
        name = qualified(old.schema, old.table_name)
        there = [new for new in news if new.schema == old.schema]
        if name in choices.tables:
            found = next((new for new in there if new.table_name == choices.tables[name]), None)
            if found is None:
                raise ConfigurationError(
                    _missing("table", choices.tables[name], [new.table_name for new in there], choices)
                )
        else:
            columns = {(column.name, typed(column)) for column in old.to_table().columns}
            likely = [
                (_common(columns, {(c.name, typed(c)) for c in new.to_table().columns}, old, new), new) for new in there
            ]
            score, best = max(likely, key=lambda each: each[0], default=(0.0, None))
            found = best if best is not None and score >= _ALIKE and _is_rename(
                Rename(old.schema, None, old.table_name, best.table_name), choices
            ) else None  # fmt: skip
        if found is not None:
            news.remove(found)
            yield Rename(old.schema, None, old.table_name, found.table_name)


def _common(
    one: set[tuple[str, str]], other: set[tuple[str, str]], old: ops.DropTableOp, new: ops.CreateTableOp
) -> float:
    """Say how alike two tables are: their columns, and where these are few and say little, also their names."""
    share = len(one & other) / (len(one | other) or 1)
    return share if len(one & other) > 2 else min(share, _alike(old.table_name, new.table_name))


def _columns(operations: Iterable[ops.MigrateOperation], choices: Choices, typed: Typed) -> Iterator[Rename]:
    tables: dict[tuple[str | None, str], tuple[list[ops.DropColumnOp], list[ops.AddColumnOp]]] = {}
    for each in operations:
        if isinstance(each, ops.DropColumnOp):
            tables.setdefault((each.schema, each.table_name), ([], []))[0].append(each)
        elif isinstance(each, ops.AddColumnOp):
            tables.setdefault((each.schema, each.table_name), ([], []))[1].append(each)
    for (schema, table), (dropped, added) in tables.items():
        new = [each.column for each in added]
        for operation in dropped:
            found = _column(schema, table, operation, new, choices, typed, alone=len(dropped) == len(added) == 1)
            if found is not None:
                new.remove(found)
                yield Rename(schema, table, operation.column_name, found.name)


def _column(
    schema: str | None, table: str, operation: ops.DropColumnOp, new: Sequence[sa.Column[Any]], choices: Choices,
    typed: Typed, *, alone: bool,
) -> sa.Column[Any] | None:  # fmt: skip
    """Find the new column that an old one became."""
    old = operation.column_name
    named = choices.columns.get((qualified(schema, table), old))
    if named is not None:
        found = next((column for column in new if column.name == named), None)
        if found is None:
            raise ConfigurationError(_missing("column", f"{table}.{named}", [c.name for c in new], choices))
        return found
    if operation._reverse is None:
        return None
    kind = typed(operation._reverse.column)
    same = [column for column in new if typed(column) == kind]
    best = max(same, key=lambda column: _alike(old, column.name), default=None)
    if best is None or not (alone or _alike(old, best.name) >= _ALIKE):
        return None
    return best if _is_rename(Rename(schema, table, old, best.name), choices) else None


def _is_rename(found: Rename, choices: Choices) -> bool:
    """Ask. Raises `ConfigurationError` when there is nobody to ask, and nothing says that a drop is meant."""
    if choices.ask is not None:
        return choices.ask(found.question)
    if choices.allow_drop:
        return False
    raise ConfigurationError(
        f"It looks like a rename: {found.seen}. Say {choices.option(*found.option)} if it is one, which keeps the "
        f"rows, and {choices.option('allow-drop')} if it is not."
    )


def _missing(kind: str, name: str, known: Sequence[str], choices: Choices) -> str:
    option = "rename-table" if kind == "table" else "rename"
    hint = nearest(name.rpartition(".")[2], known) or (
        f"New are: {', '.join(known)}." if known else f"No {kind} is new there."
    )
    return f"{choices.option(option)}: there is no new {kind} '{name}' in the models. {hint}"


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()
