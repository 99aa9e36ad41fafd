"""A definition in the database's own words → the constraint or index of SQLAlchemy that makes it again."""

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql.elements import conv

from onetrip.migrations.compare.operations import DropConstraint, DropIndex, escaped
from onetrip.migrations.snapshot.model import Constraint, Index, Kind, Name

_TYPES: dict[Kind, str | None] = {
    "primary": "primary", "unique": "unique", "check": "check", "foreign": "foreignkey", "exclude": None,
}  # fmt: skip
_FOREIGN = re.compile(
    r"FOREIGN KEY ?\((.*?)\) REFERENCES ((?:\"(?:[^\"]|\"\")*\"|[^\"(])+)(?:\((.*?)\))?(.*)", re.DOTALL
)
_ACTION = r"(?:SET NULL|SET DEFAULT|CASCADE|RESTRICT|NO ACTION)(?: \([^)]*\))?"


def constraint(found: Constraint, name: str | None) -> Any:
    """Make a constraint that belongs to no table yet."""
    name = None if name is None else conv(name)
    if found.kind == "primary":
        return sa.PrimaryKeyConstraint(*found.columns, name=name)
    if found.kind == "check":
        return sa.CheckConstraint(sa.text(escaped(_condition(found.definition))), name=name)
    timing = _timing(found.definition)
    if found.kind == "unique":
        return sa.UniqueConstraint(*found.columns, name=name, **timing, **_unique_options(found.definition))
    if found.kind == "foreign":
        return _foreign(found.definition, name, timing)
    method, _, rest = found.definition.removeprefix("EXCLUDE USING ").partition(" ")
    listed, rest = bracketed(rest)
    elements = [each.rpartition(" WITH ") for each in split(listed)]
    where = bracketed(rest.partition("WHERE ")[2])[0] if "WHERE " in rest else None
    return ExcludeConstraint(
        *((_element(expression), operator) for expression, _, operator in elements), name=name, using=method,
        where=None if where is None else sa.text(escaped(where)), **timing,
    )  # fmt: skip


def name_of(table: str, found: Constraint) -> str:
    """Answer the name, or the one that a constraint without one gets as soon as it must have one."""
    if found.name is not None:
        return found.name
    columns = "_".join(found.columns)
    if found.kind == "foreign":
        match = _FOREIGN.match(found.definition)
        assert match is not None
        return f"fk_{table}_{columns}_{_unquoted(match[2])}"
    if found.kind == "check":
        return f"ck_{table}_{zlib.crc32(found.definition.encode()):x}"
    return f"pk_{table}" if found.kind == "primary" else f"uq_{table}_{columns}"


def add(table: Name, found: Constraint, made: Any = None) -> ops.AddConstraintOp:
    """Add a constraint to a table: `made` as somebody wrote it, or as the database tells it."""
    made = constraint(found, name_of(table[1], found)) if made is None else made
    attach(table, made)
    operation = ops.AddConstraintOp.from_constraint(made)
    if found.kind in ("check", "foreign") and not found.valid:
        operation.kw["postgresql_not_valid"] = True  # type: ignore[attr-defined]
    return operation


def attach(table: Name, made: Any) -> None:
    """Give a constraint a table with the columns that it is about, and the one that it refers to."""
    metadata = sa.MetaData()
    names: Sequence[str] = []
    if isinstance(made, sa.ForeignKeyConstraint):
        names = made.column_keys
        parts = [element.target_fullname.split(".") for element in made.elements]
        *schema, other, _ = parts[0]
        if (schema, other) != ([table[0]] if table[0] else [], table[1]):
            columns: list[sa.Column[Any]] = [sa.Column(name) for *_, name in parts]
            sa.Table(other, metadata, *columns, schema=schema[0] if schema else None)
        else:
            names = list(dict.fromkeys((*names, *(name for *_, name in parts))))
    elif isinstance(made, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
        included = made.dialect_kwargs.get("postgresql_include") or ()
        names = list(dict.fromkeys((*(str(each) for each in made._pending_colargs), *included)))
    sa.Table(table[1], metadata, *(sa.Column(name) for name in names), made, schema=table[0])


def drop(table: Name, found: Constraint) -> DropConstraint:
    """Drop a constraint, so that it comes back as it was."""
    operation = DropConstraint(
        conv(name_of(table[1], found)), table[1], type_=_TYPES[found.kind], schema=table[0], _reverse=add(table, found)
    )
    operation.unnamed = found.name is None
    return operation


def index(table: Name, found: Index, dialect: str) -> ops.CreateIndexOp:
    """Create an index as the database tells it."""
    method, _, text = found.definition.partition("(")
    method, text = method.strip(), f"({text}"
    keys, rest = bracketed(text)
    columns = [_unquoted(key) if _unquoted(key) in found.columns else sa.text(escaped(key)) for key in split(keys)]
    options: dict[str, Any] = {}
    if method not in ("", "btree"):
        options["postgresql_using"] = method
    if rest.startswith(" INCLUDE "):
        listed, rest = bracketed(rest.removeprefix(" INCLUDE "))
        options["postgresql_include"] = [_unquoted(each) for each in split(listed)]
    if rest.startswith(" NULLS NOT DISTINCT"):
        options["postgresql_nulls_not_distinct"] = True
        rest = rest.removeprefix(" NULLS NOT DISTINCT")
    if rest.startswith(" WITH "):
        listed, rest = bracketed(rest.removeprefix(" WITH "))
        pairs = (each.partition("=") for each in split(listed))
        options["postgresql_with"] = {name: value.strip("'") for name, _, value in pairs}
    if " WHERE " in rest:
        where = rest.partition(" WHERE ")[2]
        inner, more = bracketed(where) if where.startswith("(") else (where, "")
        options[f"{dialect}_where"] = sa.text(escaped(where if more else inner))
    return ops.CreateIndexOp(found.name, table[1], columns, schema=table[0], unique=found.unique, **options)


def drop_index(table: Name, found: Index, dialect: str) -> DropIndex:
    """Drop an index, so that it comes back as it was."""
    return DropIndex(found.name, table[1], schema=table[0], _reverse=index(table, found, dialect))


def refers(found: Constraint, table: Name) -> bool:
    """Whether a foreign key refers to a table."""
    match = _FOREIGN.match(found.definition)
    return match is not None and _parts(match[2]) == [part for part in table if part is not None]


def _parts(name: str) -> list[str]:
    return [_unquoted(part) for part in re.findall(r'"(?:[^"]|"")*"|[^".]+', name.strip())]


def split(text: str) -> list[str]:
    """Split at the commas that stand in no parentheses and in no quotes."""
    items, start = [], 0
    for position, depth, sign in _signs(text):
        if sign == "," and not depth:
            items.append(text[start:position].strip())
            start = position + 1
    return [*items, text[start:].strip()]


def bracketed(text: str) -> tuple[str, str]:
    """Split `(…)rest` into what stands in the parentheses, and the rest."""
    for position, depth, sign in _signs(text):
        if sign == ")" and not depth:
            return text[1:position], text[position + 1 :]
    return text, ""


def _signs(text: str) -> Iterator[tuple[int, int, str]]:
    """List parentheses and commas outside of quotes, with the depth that holds behind them."""
    depth, quote = 0, ""
    for position, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "(),":
            depth += {"(": 1, ")": -1}.get(sign, 0)
            yield position, depth, sign


def _element(expression: str) -> sa.ColumnClause[Any]:
    name = _unquoted(expression)
    return sa.column(name) if name.isidentifier() or name != expression else sa.literal_column(expression)


def _condition(definition: str) -> str:
    inner, _ = bracketed(definition.removeprefix("CHECK "))
    text, rest = bracketed(inner)
    return text if inner.startswith("(") and not rest else inner


def _timing(definition: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if re.search(r"(?<!NOT) DEFERRABLE", definition):
        found["deferrable"] = True
    if "INITIALLY DEFERRED" in definition:
        found["initially"] = "DEFERRED"
    return found


def _unique_options(definition: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if definition.startswith("UNIQUE NULLS NOT DISTINCT"):
        options["postgresql_nulls_not_distinct"] = True
    if ") INCLUDE (" in definition:
        listed, _ = bracketed(definition[definition.index(" INCLUDE (") + len(" INCLUDE ") :])
        options["postgresql_include"] = [_unquoted(each) for each in split(listed)]
    return options


def _foreign(definition: str, name: str | None, timing: dict[str, Any]) -> sa.ForeignKeyConstraint:
    match = _FOREIGN.match(definition)
    assert match is not None
    columns, table, remote, rest = match.groups()
    target = ".".join(_parts(table))
    own = [_unquoted(each) for each in split(columns)]
    others = [_unquoted(each) for each in split(remote)] if remote else own
    for option, words in (("onupdate", "ON UPDATE"), ("ondelete", "ON DELETE")):
        found = re.search(rf"{words} ({_ACTION})", rest)
        if found is not None:
            timing[option] = found[1]
    matched = re.search(r"MATCH (\w+)", rest)
    if matched is not None:
        timing["match"] = matched[1]
    return sa.ForeignKeyConstraint(own, [f"{target}.{each}" for each in others], name=name, **timing)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
