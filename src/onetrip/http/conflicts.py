"""Violation × resource → `Problem`: what was wrong with a write, in the names that a client knows.

Names that only the database has, values and the text of rules stay behind; a column that is hidden is not named either.
"""

from collections.abc import Iterable, Sequence

from onetrip.db.violations import Kind, Violation
from onetrip.errors import Conflict, ErrorItem, Invalid, Location, Problem
from onetrip.hooks import Action
from onetrip.schema.constraints import field_of
from onetrip.schema.model import Constraint, ResourceSchema, Schema

_ENFORCED_BY: dict[Kind, tuple[str, ...]] = {
    "unique": ("unique", "primary_key"),
    "foreign_key": ("foreign_key",),
    "check": ("check",),
    "too_long": ("unique", "primary_key"),  # a value that is too long for an index
}

_SENTENCES: dict[Kind, tuple[str, str]] = {
    "unique": ("There is already a row of '{resource}' with the same {fields}.", "There is already such a row."),
    "foreign_key": ("{fields} to a row{of} that does not exist.", "Something refers to a row that does not exist."),
    "check": ("The rule about {fields} of '{resource}' is not met.", "A rule of the database does not allow this."),
    "not_null": ("{fields} must have a value.", "A value that is needed is missing."),
    "too_long": ("The value of {fields} is too long to be stored.", "A value is too long to be stored."),
    "out_of_range": ("", "A value is too large or too small to be stored."),
    "invalid": ("", "A value cannot be stored."),
    "repeated": ("", "Two rows of the array have the same key."),
    "exclusion": ("", "This cannot stand beside a row that is already there."),
}
"""What is said where the fields are known, and where they are not: that holds for whichever table it happened in."""

_TYPES: dict[Kind, str] = {"not_null": "null", "invalid": "value_error"}
"""Types of errors that a check of the body has another name for."""

_CONTRADICTS = "This contradicts what is stored."


def conflict(
    violation: Violation,
    resource: ResourceSchema,
    schema: Schema,
    action: Action,
    place: Location = (),
) -> Problem:
    """Say why the database refused a write: 409 against what is stored, 422 for what is wrong by itself.

    `place` is where the row stands in a body with more of them.
    """
    written = action != "delete"
    found = _constraint(violation, resource.writes.constraints) if written else None
    if violation.kind == "foreign_key" and found is None and not (written and _is_own(violation, resource)):
        return _referred(violation, schema, action, ("body", *place) if place else ("path",))
    where: Location = ("body", *place) if written or place else ("path",)
    fields = found.fields if found is not None else ()
    if found is None and written and _is_own(violation, resource):  # a rule that nobody declared, or NOT NULL
        fields = tuple(name for column in violation.columns if (name := field_of(resource, column)) is not None)
    known, unknown = _SENTENCES[violation.kind]
    text = _filled(known, resource, fields, found) if fields else unknown
    type_ = _TYPES.get(violation.kind, violation.kind)
    items = [ErrorItem((*where, name), text, type_) for name in fields]
    problem = Conflict if violation.kind in ("unique", "exclusion") or not written else Invalid
    return problem(text, errors=items or [ErrorItem(where, text, type_)])


def _referred(violation: Violation, schema: Schema, action: str, where: Location) -> Conflict:
    """Say which resource still refers to a row, if it shows that it does."""
    holding = {each: resource.name for resource in schema.resources.values() for each in resource.writes.constraints}
    found = _constraint(violation, holding)
    if action == "create":  # of a trigger: a row that is new has nothing that refers to it
        text, hint = _CONTRADICTS, None
    elif found is None or not found.fields:
        text, hint = "Other rows still refer to this one.", None
    else:
        name = holding[found]
        text = f"Rows of '{name}' still refer to this one."
        hint = f"Delete or change first the rows of '{name}' whose {_quoted(found.fields)} leads here."
    return Conflict(text, errors=[ErrorItem(where, text, "foreign_key")], hint=hint)


def _filled(text: str, resource: ResourceSchema, fields: Sequence[str], found: Constraint | None) -> str:
    named = _quoted(fields)
    of = f" of '{found.target}'" if found is not None and found.target else ""
    if found is not None and found.kind == "foreign_key":
        named += " refers" if len(fields) == 1 else " refer"
    return text.format(resource=resource.name, fields=named, of=of)


def _quoted(names: Sequence[str]) -> str:
    *others, last = [f"'{name}'" for name in names]
    return f"{', '.join(others)} and {last}" if others else last


# Which constraint it was


def _constraint(violation: Violation, known: Iterable[Constraint]) -> Constraint | None:
    """Find the constraint that was broken: by its name, or, where a database says none, by its columns."""
    kinds = _ENFORCED_BY.get(violation.kind, ())
    named = [each for each in known if each.kind in kinds and _is_meant(each, violation)]
    return next((each for each in named if each.table == _qualified(violation)), next(iter(named), None))


def _is_meant(constraint: Constraint, violation: Violation) -> bool:
    if violation.constraint is not None:
        return constraint.name == violation.constraint and _is_table(constraint, violation)
    if violation.table is None or not constraint.columns:
        return False
    told = _spelled(violation.table, violation.columns)
    return told in (_spelled(constraint.table, constraint.columns), _spelled(_bare(constraint), constraint.columns))


def _is_own(violation: Violation, resource: ResourceSchema) -> bool:
    return any(_is_table(each, violation) for each in resource.writes.constraints)


def _is_table(constraint: Constraint, violation: Violation) -> bool:
    """Say whether a constraint is one of the table that a violation names, if it names one.

    PostgreSQL says the schema as well, which a model leaves out for the one that is searched first.
    """
    if violation.table is None or constraint.table in (violation.table, _qualified(violation)):
        return True
    return violation.schema is None and _bare(constraint) == violation.table


def _qualified(violation: Violation) -> str:
    return f"{violation.schema}.{violation.table}"


def _bare(constraint: Constraint) -> str:
    return constraint.table.rpartition(".")[2]


def _spelled(table: str, columns: Sequence[str]) -> str:
    """Write columns as SQLite does, which quotes nothing: so names with dots and commas are equal after all."""
    return ", ".join(f"{table}.{column}" for column in columns)
