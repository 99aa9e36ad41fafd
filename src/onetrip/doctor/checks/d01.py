"""D01: a foreign key without an index."""

from collections.abc import Iterator

import sqlalchemy as sa

from onetrip.doctor.check import Application, Check, Found


def _find(application: Application) -> Iterator[Found]:
    for mapper in application.mappers:
        table = mapper.local_table
        if not isinstance(table, sa.Table):
            continue
        for key in table.foreign_key_constraints:
            if not _is_indexed(table, [column.name for column in key.columns]):
                names = [mapper.get_property_by_column(column).key for column in key.columns]
                shown = " and ".join(names)
                yield Found(
                    application.place(mapper.class_, names[0]),
                    f"{mapper.class_.__name__}.{shown} refers to '{key.referred_table.name}' and has no index",
                    f"{names[0]}: … = Field(foreign_key=…, index=True)"
                    if len(names) == 1
                    else f"__table_args__ = (Index(None, {', '.join(map(repr, names))}),)",
                )


def _is_indexed(table: sa.Table, names: list[str]) -> bool:
    """Say whether an index, a unique constraint or the primary key begins with these columns."""
    lists = [[column.name for column in index.columns] for index in table.indexes]
    uniques = (each for each in table.constraints if isinstance(each, sa.UniqueConstraint | sa.PrimaryKeyConstraint))
    lists += [[column.name for column in each.columns] for each in uniques]
    return any(set(each[: len(names)]) == set(names) for each in lists)


CHECK = Check(
    id="D01",
    title="Foreign key without an index",
    why="A list of a row's children, an embed and every deletion of the row they refer to read the whole table.",
    level="warning",
    find=_find,
)
