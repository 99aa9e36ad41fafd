"""What Alembic calls before it writes a revision, for its own command and for ours: all passes, one after another."""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from alembic.util import msg, rev_id

from onetrip.errors import ConfigurationError
from onetrip.migrations.compare.operations import write_plainly
from onetrip.migrations.data.write import Fill, write_fills
from onetrip.migrations.generate.casts import cast
from onetrip.migrations.generate.choices import CHOICES, Choices, parse_arguments
from onetrip.migrations.generate.drops import irreversible, refuse_drops
from onetrip.migrations.generate.fills import Defaults, apart, fill
from onetrip.migrations.generate.names import renamed
from onetrip.migrations.generate.operations import unbatched, undone
from onetrip.migrations.generate.renames import Rename, qualified, renames
from onetrip.migrations.generate.safe import scripts, split
from onetrip.migrations.history import read_history
from onetrip.migrations.project import Project

IRREVERSIBLE = "irreversible"
"""The name of what the template is given: the revisions that cannot be taken back, and why."""

NEEDS_DATA = "needs_data"
"""The name of what the template is given: the revisions that need data migrations, and which."""

WRITTEN = "onetrip.written"
"""Where the files stand in the `attributes` of a `Config` that were written beside the revisions."""


def process(project: Project, context: MigrationContext, directives: list[ops.MigrationScript]) -> None:
    """Make revisions of what the comparison found; none of nothing. Raises `ConfigurationError` for what it refuses.

    A revision that nobody asked the comparison for (`alembic check`, `new --empty`) stays as it is.
    """
    choices = _choices(context)
    if choices is None:
        return
    [script] = directives
    done, rest = _renamed(context, script, choices)
    refuse_drops(rest, choices)
    _all_used(done, rest, choices)
    lost = irreversible(rest)
    dialect = context.dialect
    operations = [*(each.operation() for each in done), *fill(rest, choices, _models(project), dialect)]
    fills: list[Fill]
    if dialect.name == "postgresql":
        found = split(renamed(operations, dialect.identifier_preparer), dialect)
        fills, pairs, second = found.fills, scripts(found), "build and validate"
        for each in (one for pair in pairs for one in pair):
            cast(each, dialect)
    else:
        fills, before, after = apart(unbatched(operations))
        pairs, second = [(each, list(undone(each))) for each in (before, after) if each], "forbid NULL"
    write_plainly(context.impl)
    directives[:] = _scripts(script, pairs, second)
    if fills:
        _fill(project, context, directives, fills)
    if not directives and context.config is not None:
        msg("The database is as the models say: there is nothing to write.", **context.config.messaging_opts)
    if lost:
        reasons = context.opts["template_args"].setdefault(IRREVERSIBLE, {})
        reasons[script.rev_id] = lost


def _fill(
    project: Project, context: MigrationContext, directives: list[ops.MigrationScript], fills: list[Fill]
) -> None:
    """Write the data migrations that the last revision needs, to run after what comes before that."""
    first, last = directives[0], directives[-1]
    before = read_history(project.script()).head() if first is last else first.rev_id
    written = write_fills(project, fills, before)
    names = tuple(name for name, _ in written)
    context.opts["template_args"].setdefault(NEEDS_DATA, {})[last.rev_id] = names if len(names) > 1 else names[0]
    assert context.config is not None
    context.config.attributes.setdefault(WRITTEN, []).extend(path for _, path in written)
    for _, path in written:
        msg(f"Generating {path}", **context.config.messaging_opts)


def _choices(context: MigrationContext) -> Choices | None:
    """Answer what was said on the command line; `None` for a command that writes no revision from a comparison."""
    config = context.config
    assert config is not None
    given = config.attributes.get(CHOICES)
    if isinstance(given, Choices):
        return given
    said = config.cmd_opts
    if said is None or getattr(said, "cmd", (None,))[0] is not command.revision or not said.autogenerate:
        return None
    return parse_arguments(said.x or ())


def _renamed(
    context: MigrationContext, script: ops.MigrationScript, choices: Choices
) -> tuple[list[Rename], list[ops.MigrateOperation]]:
    """Find what is renamed, and what else differs then: renamed in a transaction that is rolled back, and compared."""
    found: list[Rename] = []
    answers: dict[str, bool] = {}
    rest = list(script.upgrade_ops_list[0].ops)

    def ask(question: str) -> bool:
        if question not in answers:
            answers[question] = choices.ask is not None and choices.ask(question)
        return answers[question]

    asking = choices.asked_by(ask) if choices.ask is not None else choices
    while more := renames(rest, asking, lambda column: column.type.compile(dialect=context.dialect)):
        found += more
        rest = _compared(context, found)
    return found, rest


def _compared(context: MigrationContext, done: Iterable[Rename]) -> list[ops.MigrateOperation]:
    connection = context.connection
    assert connection is not None
    transaction = connection.begin_nested() if connection.in_transaction() else connection.begin()
    try:
        operations = Operations(context)
        if context.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
        for each in done:
            operations.invoke(each.operation())
        script = ops.MigrationScript(rev_id(), ops.UpgradeOps([]), ops.DowngradeOps([]))
        compare._populate_migration_script(AutogenContext(context, autogenerate=True), script)
        return list(script.upgrade_ops_list[0].ops)
    finally:
        transaction.rollback()


def _all_used(done: Iterable[Rename], rest: Iterable[ops.MigrateOperation], choices: Choices) -> None:
    """Refuse a rename of what is not there, and a value for what needs none."""
    made = list(done)
    tables = {qualified(each.schema, each.old) for each in made if each.table is None}
    columns = {(qualified(each.schema, each.table), each.old) for each in made if each.table is not None}
    for table, new in choices.tables.items():
        if table not in tables:
            said = choices.option("rename-table", f"{table}:{new}")
            raise ConfigurationError(f"{said}: the database has no table '{table}' that the models do not have.")
    for (table, old), new in choices.columns.items():
        if (table, old) not in columns:
            said = choices.option("rename", f"{table}.{old}:{new}")
            raise ConfigurationError(f"{said}: no column '{old}' of '{table}' is missing in the models.")
    changed = set(_changed(rest))
    for table, column in choices.fills:
        if (table, column) not in changed:
            raise ConfigurationError(
                f"{choices.option('fill')}: the column '{column}' of '{table}' is neither new nor NOT NULL from now on."
            )


def _changed(rest: Iterable[ops.MigrateOperation]) -> Iterator[tuple[str, str]]:
    for table in rest:
        for each in table.ops if isinstance(table, ops.ModifyTableOps) else ():
            if isinstance(each, ops.AddColumnOp):
                yield qualified(each.schema, each.table_name), each.column.name
            elif isinstance(each, ops.AlterColumnOp) and each.modify_nullable is False:
                yield qualified(each.schema, each.table_name), each.column_name


def _models(project: Project) -> Defaults:
    return {(table.schema, table.name): table for metadata in project.metadata for table in metadata.tables.values()}


def _scripts(
    first: ops.MigrationScript,
    pairs: list[tuple[list[ops.MigrateOperation], list[ops.MigrateOperation]]],
    second: str,
) -> Iterator[ops.MigrationScript]:
    """Put operations into the revision that was begun, and what comes after it into another."""
    for number, (there, back) in enumerate(pairs):
        if number == 0:
            script = first
            first.upgrade_ops_list[0].ops[:], first.downgrade_ops_list[0].ops[:] = there, back
        else:
            up = ops.UpgradeOps(there, upgrade_token=first.upgrade_ops_list[0].upgrade_token)
            down = ops.DowngradeOps(back, downgrade_token=first.downgrade_ops_list[0].downgrade_token)
            message = f"{first.message}: {second}" if first.message else second
            script = ops.MigrationScript(rev_id(), up, down, message=message, head=first.rev_id)
        yield script
