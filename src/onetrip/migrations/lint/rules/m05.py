"""M05: a foreign key that checks all rows at once."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import NOT_VALID, foreign_keys, like
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import rendered, script, scripts, validate


def find(judged: Judged) -> Iterator[Found]:
    """Find foreign keys without NOT VALID, those of new columns too."""
    for step, table in judged.existing():
        for key in foreign_keys(step.op):
            if key.kw.get(NOT_VALID):
                continue
            name = str(key.constraint_name or f"fk_{key.source_table}_{'_'.join(key.local_cols)}_{key.referent_table}")
            made = ops.CreateForeignKeyOp(
                name, key.source_table, key.referent_table, key.local_cols, key.remote_cols, **key.kw,
                postgresql_not_valid=True,
            )  # fmt: skip
            column = [rendered(like(step.op))] if isinstance(step.op, ops.AddColumnOp) else []
            referent = key.kw.get("referent_schema"), key.referent_table
            message = f"The foreign key {name} of {called(table)} to {called(referent)} checks all rows at once"
            safe = scripts(script(*column, rendered(made)), script(validate(table, name)))
            yield Found(message, safe, step, tables=(table, referent))


RULE = Rule(
    id="M05",
    title="Foreign key checks all rows under a lock",
    why="ADD FOREIGN KEY holds a ShareRowExclusive lock on both tables while all rows are checked: nobody writes to "
    "either. With NOT VALID it holds for new rows at once; VALIDATE checks the old ones while everybody writes.",
    find=find,
    sized=True,
    example='op.create_foreign_key("fk_post_author_id_author", "post", "author", ["author_id"], ["id"])',
)
