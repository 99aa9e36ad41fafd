"""M20: a foreign key without an index on its columns."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.migrations.lint.elements import foreign_keys, indexes, uniques
from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, called, table_of
from onetrip.migrations.lint.safe import index, rendered, script, shortened
from onetrip.migrations.snapshot.model import Name


def find(judged: Judged) -> Iterator[Found]:
    """Find foreign keys whose columns begin no index: of any revision, or of the database."""
    known: dict[Name, set[tuple[str, ...]]] = {table: set(of) for table, of in judged.facts.indexed.items()}
    for each in (*judged.earlier, judged.revision, *judged.later):
        for step in each.up.steps:
            _note(step.op, known)
    for step in judged.steps:
        for key in foreign_keys(step.op):
            table = key.kw.get("source_schema"), key.source_table
            local = tuple(key.local_cols)
            if any(sorted(columns[: len(local)]) == sorted(local) for columns in known.get(table, ())):
                continue
            name = shortened(f"ix_{key.source_table}_{'_'.join(local)}")
            made = ops.CreateIndexOp(name, key.source_table, list(local), schema=table[0])
            new = table in judged.created or judged.revision.dialect != "postgresql"
            safe = script(rendered(made) if new else index(made))
            yield Found(f"No index begins with {called(table)} ({', '.join(local)})", safe, step)


def _note(op: ops.MigrateOperation, known: dict[Name, set[tuple[str, ...]]]) -> None:
    table = table_of(op)
    if table is None:
        return
    found = [tuple(map(str, each.columns)) for each in indexes(op)] + [
        tuple(map(str, each.columns)) for each in uniques(op)
    ]
    if isinstance(op, ops.CreatePrimaryKeyOp):
        found.append(tuple(map(str, op.columns)))
    if isinstance(op, ops.CreateTableOp):
        key: list[str] = []
        for item in op.columns:
            if isinstance(item, sa.Column):
                key += [item.name] if item.primary_key else []
                found += [(item.name,)] if item.index or item.unique else []
            elif isinstance(item, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
                found.append(tuple(item.columns.keys() or map(str, item._pending_colargs)))
        found.append(tuple(key))
    known.setdefault(table, set()).update(columns for columns in found if columns)


RULE = Rule(
    id="M20",
    title="Foreign key without an index",
    why="Every deletion of a row that is referred to, and every change of its key, reads the whole table that refers "
    "to it; so does each request for the rows of a parent.",
    find=find,
    level="warning",
    dialects=BOTH,
    example='op.create_table(\n    "comment",\n    sa.Column("id", sa.BigInteger(), primary_key=True),\n'
    '    sa.Column("post_id", sa.BigInteger(), sa.ForeignKey("post.id", name="fk_comment_post_id_post")),\n)',
)
