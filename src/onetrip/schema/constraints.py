"""Tables → `Constraint`: the rules that a database enforces, under the names by which it reports them.

A database says which rule was broken by the name of the rule (PostgreSQL) or by its columns (SQLite), and who forgot to
name a constraint has it named by the database. Here those names are told beforehand, so that a failure is understood
without reading its message. Reads mapped tables and asks no database.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IdentifierError, SQLAlchemyError
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import visitors

from onetrip.schema.model import Constraint, Field, ResourceSchema

Kind = Literal["primary_key", "unique", "foreign_key", "check"]

_LABELS: dict[Kind, str] = {"primary_key": "pkey", "unique": "key", "foreign_key": "fkey", "check": "check"}
_NAME_BYTES = 63  # https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS


def constraints(
    mapper: Mapper[Any],
    fields_by_attribute: Mapping[str, Field],
    hidden: Collection[str],
    paths_by_table: Mapping[Any, str],
    dialect: Dialect,
) -> tuple[Constraint, ...]:
    """List the constraints of the tables of a class.

    `hidden` are attributes whose names are left out, `paths_by_table` the path segments of the served tables.
    """
    fields = {
        column: fields_by_attribute[prop.key].name
        for prop in mapper.column_attrs
        for column in prop.columns
        if prop.key in fields_by_attribute and prop.key not in hidden
    }
    tables = [table for table in mapper.tables if isinstance(table, sa.Table)]
    return tuple(found for table in tables for found in _of_table(table, fields, paths_by_table, dialect))


def field_of(resource: ResourceSchema, column: str) -> str | None:
    """Answer the public name of a column of a resource's table, `None` when it is hidden or there is none."""
    shown = {field.attribute: field.name for field in resource.view.fields}
    attributes = sa.inspect(resource.entity).column_attrs
    found = (prop.key for prop in attributes if any(getattr(part, "name", None) == column for part in prop.columns))
    return next((shown[attribute] for attribute in found if attribute in shown), None)


def _of_table(
    table: sa.Table, fields: Mapping[Any, str], paths: Mapping[Any, str], dialect: Dialect
) -> Iterator[Constraint]:
    generated = _Names(table, dialect)
    for kind, constraint in _declared(table):
        involved = _mentioned([constraint.sqltext], table) if kind == "check" else list(constraint.columns)
        yield Constraint(
            kind=kind, name=_name(constraint, dialect) or generated(kind, constraint, involved), table=table.fullname,
            columns=tuple(column.name for column in involved), fields=_public(involved, fields),
            target=_target(constraint, paths) if kind == "foreign_key" else None,
            deferrable=bool(getattr(constraint, "deferrable", None)),
        )  # fmt: skip
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        if index.unique:
            columns = [_plain(expression) for expression in index.expressions]
            whole = all(column is not None for column in columns)
            yield Constraint(
                kind="unique", name=_name(index, dialect), table=table.fullname,
                columns=tuple(column.name for column in columns) if whole else (),
                fields=_public(columns if whole else _mentioned(index.expressions, table), fields),
                where=index.dialect_options[dialect.name].get("where"),
            )  # fmt: skip


def _declared(table: sa.Table) -> Iterator[tuple[Kind, Any]]:
    """List what is declared, in the order of DDL, in which a database numbers what has no name."""
    if len(table.primary_key.columns):
        yield "primary_key", table.primary_key
    for column in table.columns:
        yield from (("check", rule) for rule in _in_order(column.constraints) if isinstance(rule, sa.CheckConstraint))
    for constraint in _in_order(table.constraints):
        if isinstance(constraint, sa.UniqueConstraint):
            yield "unique", constraint
        elif isinstance(constraint, sa.ForeignKeyConstraint):
            yield "foreign_key", constraint
        elif isinstance(constraint, sa.CheckConstraint):
            yield "check", constraint


def _in_order(found: Iterable[Any]) -> list[Any]:
    return sorted(found, key=lambda constraint: constraint._creation_order)


def _public(columns: Iterable[Any], fields: Mapping[Any, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fields[column] for column in columns if column in fields))


def _plain(expression: Any) -> Any:
    """Answer the column that is indexed, `None` for an expression. A direction (`DESC`) does not count."""
    while isinstance(expression, sa.UnaryExpression) and expression.modifier is not None:
        expression = expression.element
    return expression if isinstance(expression, sa.Column) else None


def _target(constraint: sa.ForeignKeyConstraint, paths: Mapping[Any, str]) -> str | None:
    try:
        return paths.get(constraint.referred_table)
    except SQLAlchemyError:  # it leads to a table that nobody declared
        return None


def _mentioned(expressions: Iterable[Any], table: sa.Table) -> list[Any]:
    """Find the columns that expressions speak of. In SQL text those are the words that are names of columns."""
    parts = [part for expression in expressions for part in visitors.iterate(expression)]
    found = {part for part in parts if isinstance(part, sa.Column)}
    texts = [re.sub(r"'[^']*'", "", part.text) for part in parts if isinstance(part, sa.TextClause)]
    words = {quoted or word.lower() for text in texts for quoted, word in re.findall(r'"([^"]+)"|(\w+)', text)}
    return [column for column in table.columns if column in found or {column.name, column.name.lower()} & words]


# Names


def _name(constraint: Any, dialect: Dialect) -> str | None:
    """Answer the name that was given, also by a naming convention; `None` for none."""
    if constraint.name is None:
        return None
    preparer = dialect.identifier_preparer
    try:
        written = preparer.format_constraint(constraint)
    except IdentifierError:  # too long for SQLAlchemy, which creates no such thing
        name = str(constraint.name)
    else:
        if written is None:
            return None
        name = next(iter(preparer.unformat_identifiers(written)))
    return name.encode()[: dialect.max_identifier_length].decode(errors="ignore")  # as PostgreSQL cuts it


class _Names:
    """The names that a database gives to the unnamed constraints of one table, in their order."""

    def __init__(self, table: sa.Table, dialect: Dialect) -> None:
        self.table = table
        self.dialect = dialect
        self.taken: set[str] = set()

    def __call__(self, kind: Kind, constraint: Any, columns: Sequence[Any]) -> str | None:
        """Name the next one."""
        name = _UNNAMED.get(self.dialect.name)
        return None if name is None else name(self, kind, constraint, [column.name for column in columns])

    def postgresql(self, kind: Kind, constraint: Any, columns: Sequence[str]) -> str:
        """`user_email_key`; a second one of that name is `user_email_key1` (ChooseIndexName, ChooseConstraintName)."""
        if kind == "primary_key" or (kind == "check" and len(columns) != 1):
            columns = ()
        number = 0
        while True:
            name = _joined(self.table.name, "_".join(columns), _LABELS[kind] + (str(number) if number else ""))
            if name not in self.taken:
                self.taken.add(name)
                return name
            number += 1

    def sqlite(self, kind: Kind, constraint: Any, columns: Sequence[str]) -> str | None:
        """SQLite calls a check by what it says, as the DDL wrote it, and the others not at all."""
        if kind != "check":
            return None
        compiler: Any = self.dialect.statement_compiler(self.dialect, None)  # as SQLAlchemy's own DDL compiler does
        text = compiler.process(constraint.sqltext, include_table=False, literal_binds=True)
        return re.sub(r"\s", " ", text.strip())


_UNNAMED: dict[str, Callable[[_Names, Kind, Any, Sequence[str]], str | None]] = {
    "postgresql": _Names.postgresql,
    "sqlite": _Names.sqlite,
}


def _joined(table: str, columns: str, label: str) -> str:
    """Join the parts of a name; the longer of the first two is cut until it fits (makeObjectName)."""
    first, second = table.encode(), columns.encode()
    room = _NAME_BYTES - len(label) - 1 - bool(columns)
    while len(first) + len(second) > room:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = (first.decode(errors="ignore"), second.decode(errors="ignore"), label)
    return "_".join(part for part in parts if part)
