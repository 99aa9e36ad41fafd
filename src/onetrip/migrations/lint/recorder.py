"""Runs a revision without a database: its operations in order, the SQL each would be, and where it stands.

`Operations.invoke` is where every operation passes, typed; here it writes down instead of running. A script that asks
the database (`op.get_bind()`) gets a connection that writes down, too, and finds nothing.
"""

import io
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.operations import BatchOperations, Operations
from alembic.operations.batch import BatchOperationsImpl
from alembic.operations.ops import CreateTableOp, ExecuteSQLOp, MigrateOperation
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy.engine import make_url

from onetrip.migrations.lint.statements import Statement, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation. `transaction` counts those of the revision, and is `None` in an autocommit block.

    `batch` counts the blocks of `batch_alter_table`; `sql` is what a database would be sent, where that is known.
    """

    op: MigrateOperation
    line: int | None
    transaction: int | None
    batch: int | None = None
    sql: tuple[str, ...] = ()
    raw: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Recording:
    """What one direction of a revision does. A script that broke off has an `error`, and where it was raised."""

    steps: tuple[Step, ...]
    error: str | None = None
    line: int | None = None


class Revision:
    """A revision, whose directions are recorded when they are asked for."""

    def __init__(self, script: Script, dialect: str) -> None:
        self.script, self.dialect = script, dialect
        self.id, self.path = script.revision, Path(script.path)

    @cached_property
    def source(self) -> str:
        """The text of the file."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def up(self) -> Recording:
        """What `upgrade()` does."""
        return record(getattr(self.script.module, "upgrade", None), self.path, self.dialect)

    @cached_property
    def down(self) -> Recording:
        """What `downgrade()` does."""
        return record(getattr(self.script.module, "downgrade", None), self.path, self.dialect)

    def said(self, name: str) -> Any:
        """Read a variable of the module, as `irreversible`."""
        return getattr(self.script.module, name, None)


def record(function: Callable[[], Any] | None, path: Path, dialect: str) -> Recording:
    """Run one direction of a script, against nothing."""
    if function is None:
        return Recording(())
    recorder = _Recorder(path, dialect)
    try:
        with recorder.running(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function()
    except Exception as error:  # a script is anybody's code, and what it raises is what is told
        traceback, line = error.__traceback__, None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == str(path):
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        words = str(error).partition("\n")[0].rstrip(".")
        told = f"{type(error).__name__}: {words}" if words else type(error).__name__
        return Recording(tuple(recorder.steps), told, line)
    return Recording(tuple(recorder.steps))


class _Context(MigrationContext):
    """A context whose autocommit blocks are noted."""

    recorder: "_Recorder"

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        before, self.recorder.transaction = self.recorder.transaction, None
        try:
            yield
        finally:
            self.recorder.count += before is not None
            self.recorder.transaction = self.recorder.count


class _Recorder:
    def __init__(self, path: Path, dialect: str) -> None:
        self.path, self.steps, self.buffer = str(path), list[Step](), io.StringIO()
        self.count, self.transaction, self.batches = 1, 1 if dialect else None, 0
        options = {"as_sql": True, "output_buffer": self.buffer, "literal_binds": True}
        made: Any = make_url(f"{dialect}://").get_dialect()
        made = made(paramstyle="named")
        self.context = _Context(made, None, options)
        self.context.recorder = self
        self.operations = Operations(self.context)
        self.run = self.operations.invoke
        self.replaced: Mapping[str, Any] = {
            "invoke": self.invoke, "batch_alter_table": self.batch_alter_table, "get_bind": lambda: _Bind(self),
        }  # fmt: skip

    @contextmanager
    def running(self) -> Iterator[None]:
        """Stand behind `alembic.op` and `alembic.context`."""
        vars(self.operations).update(self.replaced)
        config = Config()
        config.set_main_option("script_location", ".")
        with EnvironmentContext(config, ScriptDirectory("."), as_sql=True) as environment:
            environment._migration_context = self.context
            self.operations._install_proxy()
            try:
                yield
            finally:
                self.operations._remove_proxy()

    def invoke(self, op: MigrateOperation) -> Any:
        """Write an operation down, and the SQL that it is."""
        return self.note(op, lambda: self.run(op))

    def note(self, op: MigrateOperation, run: Callable[[], Any], batch: int | None = None) -> Any:
        raw: tuple[Statement, ...] = ()
        if isinstance(op, ExecuteSQLOp):
            raw = parse(self.text(op.sqltext))
        start = self.buffer.tell()
        try:
            answer = run()
        except Exception:  # what cannot be written as SQL is an operation all the same
            answer = op.to_table() if isinstance(op, CreateTableOp) else None
        written = self.buffer.getvalue()[start:]
        sql = tuple(text for part in written.split(";\n\n") if (text := part.strip()))
        self.steps.append(Step(op=op, line=self.line(), transaction=self.transaction, batch=batch, sql=sql, raw=raw))
        return answer

    @contextmanager
    def batch_alter_table(
        self, table_name: str, schema: str | None = None, **options: Any
    ) -> Iterator[BatchOperations]:
        """Write down what a batch does; on SQLite it would be one copy of the table."""
        self.batches += 1
        number = self.batches
        kept = {
            "recreate": "auto", "copy_from": None, "table_args": (), "table_kwargs": {}, "reflect_args": (),
            "reflect_kwargs": {}, "naming_convention": None, "partial_reordering": (),
        } | options  # fmt: skip
        impl = BatchOperationsImpl(self.operations, table_name, schema, **kept)  # type: ignore[no-untyped-call]
        made = BatchOperations(self.context, impl=impl)
        copied = self.context.dialect.name == "sqlite"

        def invoke(op: MigrateOperation) -> Any:
            return self.note(op, (lambda: None) if copied else (lambda: self.run(op)), number)

        vars(made)["invoke"] = invoke
        yield made

    def line(self) -> int | None:
        """Find the line of the script that is being run."""
        frame = sys._getframe(2)
        while frame.f_back is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno if frame.f_code.co_filename == self.path else None

    def text(self, sql: Any) -> str:
        """Write a statement as text."""
        if isinstance(sql, str):
            return sql
        try:
            return str(sql.compile(dialect=self.context.dialect, compile_kwargs={"literal_binds": True}))
        except Exception:  # a value that cannot be written as SQL has to be left as a parameter
            return str(sql.compile(dialect=self.context.dialect))


class _Bind:
    """What `op.get_bind()` answers: a connection that writes down, and finds nothing."""

    def __init__(self, recorder: _Recorder) -> None:
        self.recorder, self.dialect = recorder, recorder.context.dialect
        self.engine = self

    def execute(self, statement: Any, *_: Any, **__: Any) -> "_Nothing":
        """Write a statement down."""
        op = ExecuteSQLOp(sa.text(statement) if isinstance(statement, str) else statement)
        self.recorder.note(op, lambda: self.recorder.buffer.write(self.recorder.text(op.sqltext) + ";\n\n"))
        return _Nothing()

    exec_driver_sql = execute

    def scalar(self, statement: Any, *_: Any, **__: Any) -> None:
        """Write a statement down, and find nothing."""
        self.execute(statement)

    def scalars(self, statement: Any, *_: Any, **__: Any) -> "_Nothing":
        """Write a statement down, and find nothing."""
        return self.execute(statement)

    def execution_options(self, **_: Any) -> "_Bind":
        """Stay as it is."""
        return self

    def commit(self) -> None:
        """Commit nothing."""


class _Nothing:
    """A result without rows."""

    rowcount = 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def scalar(self) -> None:
        """Answer no value."""

    first = fetchone = one_or_none = scalar_one_or_none = scalar

    def all(self) -> list[Any]:
        """Answer no rows."""
        return []

    fetchall = all

    def mappings(self) -> "_Nothing":
        """Answer no rows."""
        return self

    scalars = mappings
