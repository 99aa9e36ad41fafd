"""Operations → the script that does them safely, as Alembic would write it, with the real names."""

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op_text
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql

from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.snapshot.model import Name

LATER = "# In a later revision:"
DEPLOYED = "# In a later revision, when every application that runs does without the old form:"

_PREPARER = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]
_OPTIONS = {
    "sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None, "render_item": None,
    "render_as_batch": False,
}  # fmt: skip


def script(*lines: str) -> str:
    """Write the body of one revision."""
    body = "\n".join(lines)
    return "def upgrade() -> None:\n" + "\n".join(f"    {line}" if line else "" for line in body.splitlines())


def scripts(*parts: str, between: str = LATER) -> str:
    """Write several revisions, one after another."""
    return f"\n\n\n{between}\n".join(parts)


def autocommit(*lines: str) -> str:
    """Write what must stand in no transaction."""
    body = "\n".join(f"    {line}" for text in lines for line in text.splitlines())
    return f"with op.get_context().autocommit_block():\n{body}"


def rendered(op: ops.MigrateOperation) -> str:
    """Write an operation."""
    context = MigrationContext.configure(dialect_name="postgresql")
    return render_op_text(AutogenContext(context, opts=_OPTIONS), op)


def written(steps: Iterable[Step]) -> list[str]:
    """Write steps as they are; what Alembic cannot render, as SQL."""
    lines: list[str] = []
    for step in steps:
        if step.raw:
            lines += [execute(each.text) for each in step.raw]
            continue
        try:
            lines.append(rendered(step.op))
        except (NotImplementedError, ValueError, TypeError):
            lines += [execute(text) for text in step.sql]
    return lines or ["pass"]


def execute(sql: str) -> str:
    """Write SQL as an operation."""
    if "\n" in sql:
        return f'op.execute("""\n{sql}\n""")'
    return f"op.execute({sql!r})" if '"' in sql and "'" not in sql else 'op.execute("' + _escaped(sql) + '")'


def _escaped(sql: str) -> str:
    return sql.replace("\\", "\\\\").replace('"', '\\"')


def deprecated(name: str, remark: str) -> str:
    """Write a revision that changes nothing, and says what nobody uses any more."""
    return f'deprecated = ("{name}",)  # {remark}\n\n\n' + script("pass")


def quoted(name: str) -> str:
    """Write a name in SQL."""
    return str(_PREPARER.quote(name))


def table_sql(table: Name) -> str:
    """Write the name of a table in SQL."""
    schema, name = table
    return f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)


def validate(table: Name, constraint: str) -> str:
    """Write what checks the rows that were there before a constraint: reads and writes go on."""
    return execute(f"ALTER TABLE {table_sql(table)} VALIDATE CONSTRAINT {quoted(constraint)}")


def index(op: ops.CreateIndexOp) -> str:
    """Write an index that is made while rows are written; one that was begun and not finished is dropped first."""
    made = ops.CreateIndexOp(
        op.index_name, op.table_name, op.columns, schema=op.schema, unique=op.unique,
        **{**op.kw, "postgresql_concurrently": True},
    )  # fmt: skip
    drop = ops.DropIndexOp(
        str(op.index_name), op.table_name, schema=op.schema, if_exists=True, postgresql_concurrently=True
    )
    return autocommit(rendered(drop), rendered(made))


def not_null(table: Name, column: str) -> tuple[str, str]:
    """Write SET NOT NULL for a table of any size: the scripts of two revisions."""
    schema, name = table
    check = shortened(f"ck_{name}_{column}_not_null")
    add = ops.CreateCheckConstraintOp(
        check, name, sa.text(f"{quoted(column)} IS NOT NULL"), schema=schema, postgresql_not_valid=True
    )
    alter = ops.AlterColumnOp(name, column, schema=schema, modify_nullable=False)
    drop = ops.DropConstraintOp(check, name, "check", schema=schema)
    return script(_check(add)), script(validate(table, check), rendered(alter), rendered(drop))


def _check(op: ops.CreateCheckConstraintOp) -> str:
    """Write a CHECK as text: Alembic's own rendering leaves `op.f` out where a name is final."""
    schema = f", schema={op.schema!r}" if op.schema else ""
    condition = op.condition if isinstance(op.condition, str) else str(op.condition)
    name = f"op.f({str(op.constraint_name)!r})"
    return f"op.create_check_constraint({name}, {op.table_name!r}, {condition!r}{schema}, postgresql_not_valid=True)"


def check(op: ops.CreateCheckConstraintOp) -> str:
    """Write a CHECK that holds for new rows only."""
    return _check(op)


def update(table: Name, column: str, value: str, condition: str = "") -> str:
    """Write the change of a column, up to the range of keys."""
    return f"UPDATE {table_sql(table)} SET {quoted(column)} = {value} WHERE{condition}"  # noqa: S608  # names are quoted


def backfill(table: Name, key: str, assignment: str) -> str:
    """Write a change of all rows, a range of keys at a time, each in a transaction of its own."""
    name, column = table_sql(table), quoted(key)
    ends = f'sa.text("SELECT {{}}({_escaped(column)}) FROM {_escaped(name)}")'  # noqa: S608  # names are quoted
    body = (
        "connection = op.get_bind()\n"
        f"first = connection.scalar({ends.format('min')}) or 0\n"
        f"last = connection.scalar({ends.format('max')}) or 0\n"
        "for start in range(first, last + 1, 5000):\n"
        f'    change = sa.text("{_escaped(assignment)} {_escaped(column)} >= :start AND {_escaped(column)} < :stop")\n'
        '    connection.execute(change, {"start": start, "stop": start + 5000})'
    )
    return script(autocommit(body))


def shortened(name: str) -> str:
    """Cut a name to what PostgreSQL keeps of it, with a hash so that two stay two."""
    raw = name.encode()
    if len(raw) <= 63:
        return name
    return raw[:54].decode(errors="ignore") + "_" + hashlib.sha256(raw).hexdigest()[:8]
