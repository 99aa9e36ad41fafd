"""Tables and columns that the models do not have: nothing is dropped unasked, and a drop cannot be taken back."""

from collections.abc import Iterable, Sequence

from alembic.operations import ops

from onetrip.errors import ConfigurationError
from onetrip.migrations.generate.choices import Choices
from onetrip.migrations.generate.operations import flat
from onetrip.migrations.generate.renames import qualified


def dropped(operations: Iterable[ops.MigrateOperation]) -> list[str]:
    """Name the tables and columns whose rows and values are lost."""
    names = []
    for each in flat(operations):
        if isinstance(each, ops.DropTableOp):
            names.append(f"the table '{qualified(each.schema, each.table_name)}'")
        elif isinstance(each, ops.DropColumnOp):
            names.append(f"the column '{qualified(each.schema, each.table_name)}.{each.column_name}'")
    return names


def refuse_drops(operations: Sequence[ops.MigrateOperation], choices: Choices) -> None:
    """Raise `ConfigurationError` for tables and columns that would be lost, unless somebody said so."""
    lost = dropped(operations)
    if lost and not choices.allow_drop:
        raise ConfigurationError(
            f"The models do not have {' and '.join(lost)}. Say {choices.option('allow-drop')} to drop what is in there "
            f"for good, and {choices.option('rename', 'TABLE.OLD:NEW')} or {choices.option('rename-table', 'OLD:NEW')} "
            "if it only has another name now."
        )


def irreversible(operations: Iterable[ops.MigrateOperation]) -> str | None:
    """Say what a way back would not bring back."""
    lost = dropped(operations)
    return f"it dropped {' and '.join(lost)}" if lost else None
