"""Arrays: many rows of one body, all or none.

Rows that set the same columns are written together: by one statement where the database can, or some at a time. When it
refuses, nothing is written, and then it is found out which row it was: they are written again, one after the other, up
to that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic_core import from_json

from onetrip.db.runner import Rejected, Row, Steps, tried
from onetrip.http.address import absent
from onetrip.http.pipeline import bind
from onetrip.http.statements import PreparedWrite, Statements
from onetrip.plan.read import Endpoint
from onetrip.plan.write import Action
from onetrip.query.split import Shape
from onetrip.schema.model import Field
from onetrip.sql.statement import SEPARATOR, Chunk

_MANY = 40
"""Rows that are worth compiling a statement that writes some of them at a time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of an array, in groups that set the same columns; `key` are the texts of the key in the path."""

    mutations: Statements
    endpoint: Endpoint
    rows: Sequence[dict[Field, Any]]
    prepared: Sequence[tuple[PreparedWrite, Sequence[int]]]
    shape: Shape
    texts: tuple[str, ...]
    key: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, mutations: Statements, endpoint: Endpoint, rows: Sequence[dict[Field, Any]], shape: Shape,
        texts: tuple[str, ...], key: tuple[str, ...] = (),
    ) -> "Batch":  # fmt: skip
        """Group rows by what they set, and prepare the statement of each group."""
        groups: dict[tuple[Field, ...], list[int]] = {}
        for number, row in enumerate(rows):
            groups.setdefault(tuple(row), []).append(number)
        prepared = [
            (mutations.prepare(endpoint, Action(kind="create", columns=columns, many=True), shape), numbers)
            for columns, numbers in groups.items()
        ]
        return cls(mutations, endpoint, rows, prepared, shape, texts, key)

    async def run(self) -> list[bytes]:
        """Write all rows; where the database says that one is wrong, find out which."""
        database, at = self.mutations.database, [0]
        first = self.prepared[0][0]
        try:
            if len(self.prepared) == 1 and not (first.statement.each or first.statement.again):
                row = await tried(lambda: database.write(first.statement.statement, tuple(self._lists(0))))
                return self._records(first, row)
            return await tried(lambda: database.transact(self._steps))
        except Rejected as error:
            if error.again:
                raise await self.mutations.refused(error, first.plan, ()) from error
        try:
            return await tried(lambda: database.transact(lambda: self._singly(at)))
        except Rejected as error:
            prepared, values = self._single(at[-1])
            raise await self.mutations.refused(error, prepared.plan, values, at[-1]) from error

    def _lists(self, group: int) -> list[Any]:
        """Turn the rows of a group into a list for each column, after the values of the URL."""
        prepared, numbers = self.prepared[group]
        given = map(list, zip(*(self.rows[number].values() for number in numbers), strict=True))
        made = [[generated.value() for _ in numbers] for generated in prepared.plan.generated]
        return [*bind(prepared.plan, self.key + self.texts), *given, *made]

    def _records(self, prepared: PreparedWrite, row: Row | None) -> list[bytes]:
        assert row is not None
        count, _, records = row[0].partition(SEPARATOR)
        if self.key and count == b"0":
            raise absent(self.endpoint.resource)
        finish = prepared.statement.statement.finish
        return [record if finish is None else finish(record) for record in records.split(SEPARATOR)]

    def _steps(self) -> Steps[list[bytes]]:
        """Write group by group."""
        answers: dict[int, bytes] = {}
        for group, (prepared, numbers) in enumerate(self.prepared):
            if prepared.statement.each:
                answers.update(zip(numbers, (yield from self._each(group)), strict=True))
                continue
            statement = prepared.statement.statement
            row = yield statement.text, statement.bind(self._lists(group))
            records = self._records(prepared, row)
            if prepared.statement.again:
                for number, identity in zip(numbers, records, strict=True):
                    back = yield from self.mutations.read_back(prepared, from_json(identity), self.texts)
                    answers[number] = back.record
            else:
                answers.update(zip(numbers, records, strict=True))
        return [answers[number] for number in range(len(self.rows))]

    def _each(self, group: int) -> Steps[list[bytes]]:
        """Write the rows of a group one after the other, or some at a time."""
        prepared, numbers = self.prepared[group]
        url, lists = len(prepared.plan.parameters), self._lists(group)
        lists[:url] = [[value] * len(numbers) for value in lists[:url]]
        rows = prepared.statement.statement.bind_each(lists, len(numbers))
        records: list[bytes] = []
        chunk = prepared.statement.chunk() if prepared.statement.chunk and len(rows) >= _MANY else None
        if chunk is not None:
            records = yield from self._chunks(prepared, chunk, rows)
        for row in rows[len(records) :]:
            records.append((yield from self._one(prepared, row)))
        return records

    def _chunks(self, prepared: PreparedWrite, chunk: Chunk, rows: Sequence[tuple[Any, ...]]) -> Steps[list[bytes]]:
        """Write rows some at a time, as far as that goes. Raises `Rejected` where it is not certain which is which."""
        finish, last = prepared.statement.statement.finish, None
        records = []
        for start in range(0, len(rows) - chunk.rows + 1, chunk.rows):
            found = yield chunk.text, tuple(chain.from_iterable(rows[start : start + chunk.rows]))
            if found is None or len(found) != chunk.rows or None in found:
                raise Rejected(LookupError("Some rows were not written, or have no number."))
            for value in found:
                head, _, record = value.partition(SEPARATOR)
                number = int(head)
                if last is not None and number <= last:
                    raise Rejected(LookupError("The numbers of the rows do not ascend."))
                last = number
                records.append(record if finish is None else finish(record))
        return records

    def _single(self, number: int) -> tuple[PreparedWrite, list[Any]]:
        """Prepare the write of one row alone, and list its values."""
        action = Action(kind="create", columns=tuple(self.rows[number]))
        prepared = self.mutations.prepare(self.endpoint, action, self.shape)
        return prepared, self._values(prepared, number)

    def _values(self, prepared: PreparedWrite, number: int) -> list[Any]:
        made = [generated.value() for generated in prepared.plan.generated]
        return [*bind(prepared.plan, self.key + self.texts), *self.rows[number].values(), *made]

    def _one(self, prepared: PreparedWrite, arguments: tuple[Any, ...]) -> Steps[bytes]:
        statement = prepared.statement.statement
        row = yield statement.text, arguments
        if row is None:
            raise absent(self.endpoint.resource)
        if prepared.statement.again:
            return (yield from self.mutations.read_back(prepared, from_json(row[0]), self.texts)).record
        record = row[0].partition(SEPARATOR)[2]
        return record if statement.finish is None else statement.finish(record)

    def _singly(self, at: list[int]) -> Steps[list[bytes]]:
        """Write row by row, noting which."""
        answers = []
        for number in range(len(self.rows)):
            at.append(number)
            prepared, values = self._single(number)
            answers.append((yield from self._one(prepared, prepared.statement.statement.bind(values))))
        return answers
