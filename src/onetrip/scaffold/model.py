"""Columns → the text of a table's class, put into the file that has the others."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onetrip.errors import ConfigurationError, nearest
from onetrip.scaffold.fields import Field
from onetrip.scaffold.insertion import after, appended, checked, imported
from onetrip.scaffold.tables import Table, tables
from onetrip.schema import naming

_ORIGINS: Mapping[str, str] = {
    "Any": "typing", "Decimal": "decimal", "Field": "sqlmodel", "JSON": "sqlmodel", "Optional": "typing",
    "Relationship": "sqlmodel", "SQLModel": "sqlmodel", "Timestamped": "onetrip", "UUID": "uuid", "uuid4": "uuid",
}  # fmt: skip
"""Where the names in a class come from."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that refers to a row, and where it leads. `back` is what the relation is called there, if it has one."""

    field: Field
    table: Table
    column: str
    type: str
    back: str | None


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table that was asked for, resolved against the file that it goes into."""

    name: str
    fields: tuple[Field, ...]
    references: dict[str, Reference]
    mixins: tuple[str, ...]


def resolve(name: str, fields: Sequence[Field], source: str, file: str) -> NewTable:
    """Find what a new table refers to. Raises `ConfigurationError` for a class that is there, or one that is not."""
    known = tables(source)
    if name in known or f"class {name}(" in source:
        raise ConfigurationError(f"There is a class '{name}' in {file} already.")
    taken = next((each for each in known.values() if each.table == name.lower()), None)
    if taken is not None:
        raise ConfigurationError(f"The table '{name.lower()}' is that of {taken.name} in {file}.")
    found = {field.name: _reference(name, field, known, file) for field in fields if field.reference}
    targets = [each.table.name for each in found.values()]
    references = {
        key: each if targets.count(each.table.name) == 1 else replace(each, back=None) for key, each in found.items()
    }
    mixins = ("Timestamped",) if any("Timestamped" in table.bases for table in known.values()) else ()
    return NewTable(name, tuple(fields), references, mixins)


def _reference(name: str, field: Field, known: dict[str, Table], file: str) -> Reference:
    wanted = field.reference or ""
    if field.is_relation and wanted == name:
        return _itself(name, field)
    table = known.get(wanted) if field.is_relation else _table(wanted.rpartition(".")[0], known)
    if table is None:
        names = list(known) if field.is_relation else [each.table for each in known.values()]
        kind, searched = ("class", wanted) if field.is_relation else ("table", wanted.rpartition(".")[0])
        hint = nearest(searched, names) or f"There are: {', '.join(names)}."
        raise ConfigurationError(f"'{field.name}:{wanted}': {file} has no {kind} '{searched}'. {hint}")
    if table.key is None:
        raise ConfigurationError(f"'{field.name}:{wanted}': {table.name} has no key of one column: write this by hand.")
    column, type_ = table.key
    asked = column if field.is_relation else wanted.rpartition(".")[2]
    if asked != column:
        raise ConfigurationError(f"'{field.name}:{wanted}': the key of {table.name} is '{column}': refer to that.")
    back = naming.plural(naming.snake(name))
    return Reference(field, table, column, type_, back if field.is_relation and back not in table.fields else None)


def _itself(name: str, field: Field) -> Reference:
    if not field.nullable:
        raise ConfigurationError(
            f"'{field.name}:{name}': the first row could refer to none: say {field.name}:{name}? instead."
        )
    [table] = tables(f"class {name}(SQLModel, table=True):\n    pass").values()
    return Reference(field, table, "id", "int", None)


def _table(name: str, known: dict[str, Table]) -> Table | None:
    return next((each for each in known.values() if each.table == name), None)


def with_model(source: str, new: NewTable, file: str) -> str:
    """Put a class at the end of a file, the imports that it needs, and its relations into the classes it refers to."""
    for reference in new.references.values():
        if reference.back is not None:
            source = _with_back(source, reference, new.name)
    source = appended(source, model(new))
    used = {node.id for node in ast.walk(ast.parse(model(new))) if isinstance(node, ast.Name)}
    for name, module in _ORIGINS.items():
        if name in used:
            source = imported(source, module, name)
    if "dt" in used:
        source = imported(source, "datetime", alias="dt")
    return checked(source, file)


def _with_back(source: str, reference: Reference, name: str) -> str:
    table = tables(source)[reference.table.name]
    last = table.node.body[-1]
    gap = "" if "Relationship(" in ast.unparse(last) else "\n"
    line = f'    {reference.back}: list["{name}"] = Relationship(back_populates="{reference.field.name}")\n'
    return after(source, last, gap + line)


def model(new: NewTable) -> str:
    """Write the class."""
    one = naming.one(naming.snake(new.name))
    lines = [
        f"class {new.name}({', '.join((*new.mixins, 'SQLModel'))}, table=True):",
        f'    """{one[0].upper()}{one[1:]}."""', "",
        "    id: int | None = Field(default=None, primary_key=True)",
        *(f"    {_column(field, new.references.get(field.name))}" for field in new.fields),
    ]  # fmt: skip
    relations = [f"    {_relation(new, each)}" for each in new.references.values() if each.field.is_relation]
    return "\n".join([*lines, *(["", *relations] if relations else []), ""])


def _column(field: Field, reference: Reference | None) -> str:
    annotation, options = "", list[str]()
    if field.default is not None:
        options.append(field.default)
    elif field.nullable:
        options.append("default=None")
    if reference is not None:
        annotation = reference.type
        options.append(f'foreign_key="{reference.table.table}.{reference.column}"')
    elif field.type is not None:
        annotation = field.type.annotation
        options += field.type.options
    options += ["unique=True"] if field.unique else []
    options += ["index=True"] if field.index or (reference is not None and not field.unique) else []
    written = f"{field.column}: {annotation}{' | None' if field.nullable else ''}"
    if not options:
        return written
    if len(options) == 1 and options[0].startswith("default="):
        return f"{written} = {options[0].removeprefix('default=')}"
    return f"{written} = Field({', '.join(options)})"


def _relation(new: NewTable, reference: Reference) -> str:
    field, target = reference.field, reference.table.name
    several = [each.table.name for each in new.references.values()].count(target) > 1
    said = [f'"foreign_keys": "{new.name}.{field.column}"'] if several else []
    if target == new.name:
        said.append(f'"remote_side": "{new.name}.id"')
        annotation = f'Optional["{target}"]'
    else:
        annotation = f"{target}{' | None' if field.nullable else ''}"
    options = [f'back_populates="{reference.back}"'] if reference.back else []
    options += [f"sa_relationship_kwargs={{{', '.join(said)}}}"] if said else []
    return f"{field.name}: {annotation} = Relationship({', '.join(options)})"
