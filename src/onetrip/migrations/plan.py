"""What a run would do: for each revision that a database does not have, its statements, their locks, and how long.

PostgreSQL: locks and rewrites are measured (`lint.locks`). SQLite has one lock, and a batch copies its table.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from alembic.operations.ops import AlterColumnOp, CreateTableOp

from onetrip.migrations.facts import Facts
from onetrip.migrations.history import needed_data
from onetrip.migrations.lint.checked import checked
from onetrip.migrations.lint.judge import Known, Revisions, ask, judge
from onetrip.migrations.lint.locks import STRENGTH, Cost, cost
from onetrip.migrations.lint.recorder import Revision, Step
from onetrip.migrations.lint.rule import Finding, called, table_of
from onetrip.migrations.project import Project
from onetrip.migrations.snapshot.model import Name

Class = Literal["instant", "scan", "rewrite", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is sent, and what it costs. `locks` are by table; `rows` those of its largest table, where it is known."""

    sql: str
    work: Class
    locks: dict[str, str]
    rows: int | None
    autocommit: bool
    line: int | None

    @property
    def lock(self) -> str:
        """The strongest lock, in one word."""
        return max(self.locks.values(), key=lambda each: STRENGTH.get(each, 0), default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A revision that would be applied. One that could not be read to its end has an `error`.

    `needs_data` names the data migrations that have to be finished before.
    """

    revision: str
    message: str
    path: str
    statements: tuple[Statement, ...]
    findings: tuple[Finding, ...]
    error: str | None = None
    needs_data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is pending, in its order. A database that was not `reached` has nothing, and its rows are unknown."""

    revisions: tuple[Planned, ...]
    reached: bool

    @property
    def code(self) -> int:
        """The exit code: 0 for nothing, 1 for something pending, 2 for something unsafe."""
        unsafe = any(finding.level == "error" for each in self.revisions for finding in each.findings)
        return 2 if unsafe else int(bool(self.revisions))


def plan(project: Project) -> Plan:
    """Say what would be done. Raises `ConfigurationError` for revisions that cannot be read."""
    revisions = Revisions(project)
    known = ask(project, revisions)
    pending = [each for each in revisions.all.values() if each.id not in known.applied]
    return Plan(revisions=tuple(_planned(revisions, each, known) for each in pending), reached=known.reached)


def _planned(revisions: Revisions, revision: Revision, known: Known) -> Planned:
    before = [step for each in revisions.before(revision.id) for step in each.up.steps]
    steps = revision.up.steps
    told = _postgresql(steps, before, known.facts) if revisions.dialect == "postgresql" else _sqlite(steps, known.facts)
    return Planned(
        revision=revision.id, message=revision.script.doc, path=str(revision.path),
        statements=tuple(told),
        findings=tuple(judge(revisions, [revision], known)), error=revision.up.error,
        needs_data=needed_data(revision.script),
    )  # fmt: skip


def _postgresql(steps: tuple[Step, ...], before: list[Step], facts: Facts) -> list[Statement]:
    """Write each statement; nobody waits for a table that the revision itself makes."""
    made = {table_of(step.op) for step in steps if isinstance(step.op, CreateTableOp)}
    statements: list[Statement] = []
    for number, step in enumerate(steps):
        known = facts
        if isinstance(step.op, AlterColumnOp):  # SET NOT NULL reads no row after a CHECK that says the same
            known = replace(facts, not_null=facts.not_null | checked([*before, *steps[:number]]))
        costs = _outside(cost(step, known), made)
        statements += [_statement(step, sql, costs, facts) for sql in step.sql]
    return statements


def _outside(costs: Cost, made: Collection[Name | None]) -> Cost:
    locks = {table: lock for table, lock in costs.locks.items() if table not in made}
    return Cost(locks, costs.work if locks or not costs.locks else "instant")


def _statement(step: Step, sql: str, costs: Cost, facts: Facts) -> Statement:
    rows = [facts.rows[table] for table in costs.locks if table in facts.rows]
    return Statement(
        sql=sql, work=costs.work, locks={called(table): lock for table, lock in costs.locks.items()},
        rows=max(rows, default=None), autocommit=step.transaction is None, line=step.line,
    )  # fmt: skip


def _sqlite(steps: tuple[Step, ...], facts: Facts) -> list[Statement]:
    """Write a batch once: all that stands in it is one copy of the table."""
    statements: list[Statement] = []
    copied: set[int] = set()
    for step in steps:
        table = table_of(step.op)
        rows = None if table is None else facts.rows.get(table)
        if step.batch is None:
            work: Class = "scan" if "INDEX" in "".join(step.sql) else "instant"
            if any(each.verb in ("update", "delete") for each in step.raw):
                work = "scan"
            statements += [
                Statement(
                    sql=sql, work="unknown" if any(each.verb == "opaque" for each in step.raw) else work,
                    locks=_EVERYTHING, rows=rows, autocommit=False, line=step.line,
                ) for sql in step.sql
            ]  # fmt: skip
        elif step.batch not in copied and table is not None:
            copied.add(step.batch)
            done = [each for each in steps if each.batch == step.batch]
            statements.append(
                Statement(
                    sql=_batch(called(table), done), work=_batch_work(done), locks=_EVERYTHING, rows=rows,
                    autocommit=False, line=step.line,
                )
            )  # fmt: skip
    return statements


_EVERYTHING = {"the database": "writers"}
_IN_PLACE = ("AddColumnOp", "CreateIndexOp", "DropIndexOp", "ExecuteSQLOp")
"""What a batch does without a copy, as Alembic decides: https://alembic.sqlalchemy.org/en/latest/batch.html."""


def _batch_work(done: list[Step]) -> Class:
    return "instant" if all(type(each.op).__name__ in _IN_PLACE for each in done) else "rewrite"


def _batch(table: str, done: list[Step]) -> str:
    names = ", ".join(type(each.op).__name__.removesuffix("Op") for each in done)
    if _batch_work(done) == "instant":
        return f"-- {table} is changed in place: {names}"
    return f"-- {table} is copied whole into a new table, dropped, and the copy takes its name: {names}"
