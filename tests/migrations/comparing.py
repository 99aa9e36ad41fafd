"""Two versions of tables in code, and what a comparison makes of them: generated, run, and compared again."""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import alembic
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql, sqlite

from onetrip.migrations.compare.plugin import options, without_reflection_warnings
from onetrip.migrations.rendering import render_item
from onetrip.migrations.snapshot import live
from onetrip.migrations.snapshot.model import Name, Snapshot
from tests.support.databases import Backend

Declare = Callable[[sa.MetaData], object]
NOTHING = "pass"


def declared(declare: Declare) -> sa.MetaData:
    metadata = sa.MetaData()
    declare(metadata)
    return metadata


@contextmanager
def migrating(backend: Backend, metadata: list[sa.MetaData], created: Iterable[Name]) -> Iterator[MigrationContext]:
    engine = backend.engine()
    with engine.connect() as connection:
        yield MigrationContext.configure(
            connection,
            opts={
                "target_metadata": metadata, "transaction_per_migration": True,
                "render_as_batch": backend.name == "sqlite", **options(metadata, lambda: set(created)),
            },
        )  # fmt: skip
    engine.dispose()


def generate(backend: Backend, *metadata: sa.MetaData, created: Iterable[Name] = ()) -> tuple[str, str]:
    """Write what leads from the database to the code, and back."""
    with without_reflection_warnings(), migrating(backend, list(metadata), created) as context:
        script = produce_migrations(context, list(metadata))  # type: ignore[arg-type]
        assert script.upgrade_ops is not None and script.downgrade_ops is not None
        up, down = (
            render_python_code(
                each, render_as_batch=backend.name == "sqlite", render_item=render_item, migration_context=context
            )
            for each in (script.upgrade_ops, script.downgrade_ops)
        )
    return _said(up), _said(down)


def _said(code: str) -> str:
    return "\n".join(line for line in code.splitlines() if not line.strip().startswith("# ")).strip("\n")


def run(backend: Backend, code: str) -> None:
    names: dict[str, Any] = {"sa": sa, "postgresql": postgresql, "sqlite": sqlite, "op": alembic.op}
    exec(f"def script():\n{textwrap.indent(textwrap.dedent(code), '    ')}", names)
    with (
        without_reflection_warnings(),
        migrating(backend, [], ()) as context,
        context.begin_transaction(_per_migration=True),
        Operations.context(context),
    ):
        names["script"]()


def snapshot(backend: Backend, *metadata: sa.MetaData) -> Snapshot:
    with backend.engine().connect() as connection:
        return live.read(connection, live.schemas(metadata, connection.dialect.default_schema_name))


def there_and_back(backend: Backend, before: Declare, after: Declare) -> str:
    """Change the tables of a database from one version to another, and back, and again: what was written."""
    old, new = declared(before), declared(after)
    backend.create(old)
    tables = {(table.schema, table.name) for each in (old, new) for table in each.tables.values()}
    assert generate(backend, old, created=tables)[0].strip() == NOTHING, "a difference where there is none"
    first = snapshot(backend, old, new)
    up, down = generate(backend, new, created=tables)
    if up.strip() == NOTHING:
        return ""
    run(backend, up)
    assert generate(backend, new, created=tables)[0].strip() == NOTHING, up
    run(backend, down)
    assert snapshot(backend, old, new) == first, down
    run(backend, up)
    assert generate(backend, new, created=tables)[0].strip() == NOTHING
    return up
