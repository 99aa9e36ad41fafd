"""Rows of relations in the body of a row: written with it in one transaction, each as its own endpoint would write it.

First the row to which a foreign key leads, then the row itself, then those that refer to it and those that are linked.
What a body may hold is known to `schema.nested`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_jsonable_python

from onetrip.db.runner import Rejected
from onetrip.errors import Location
from onetrip.http.address import Address
from onetrip.http.nested_body import (
    Document,
    Key,
    check_form,
    each_of,
    key_of,
    key_text,
    key_values,
    keys_of,
    no_row,
    read_row,
    standing_at,
)
from onetrip.http.pipeline import bind
from onetrip.http.refused import Refused
from onetrip.http.request import Conditions
from onetrip.http.unit_of_work import UnitOfWork
from onetrip.http.units import Made, Units
from onetrip.http.values import values_of
from onetrip.plan.write import Action
from onetrip.schema.model import Body, Field, Inner, NestedBody, ResourceSchema
from onetrip.sql.conditions import alive


async def create_nested(units: Units, body: NestedBody, address: Address, raw: bytes, document: Any) -> list[Made]:
    """Create a row, or each of an array, with what is nested in it. Raises `Problem`."""
    check_form(body, raw, document, units.limits.rows)
    shape, texts = units.pipeline.split(address.query_string)
    units.pipeline.prepare(units.items[address.endpoint.resource.name], shape)
    many = isinstance(document, list)

    async def work(unit: UnitOfWork) -> list[Made]:
        writing = _Writing(units, unit, body)
        keys = [await writing.create(row, (at,) if many else ()) for at, row in enumerate(each_of(document))]
        return [Made(key, *await unit.read(key, shape, texts)) for key in keys]

    return await units.in_unit(address, work)


async def change_nested(
    units: Units, body: NestedBody, address: Address, raw: bytes, document: Any, conditions: Conditions
) -> Made:
    """Change or replace a row, with what is nested in it. Raises `Problem`."""
    check_form(body, raw, document, units.limits.rows)
    shape, texts = units.pipeline.split(address.query_string)
    key = units.key_of(address, shape, texts)
    versions = units.versions(address, conditions)

    async def work(unit: UnitOfWork) -> Made:
        found = await _Writing(units, unit, body).change(document, key, versions)
        return Made(found, *await unit.read(found, shape, texts))

    return await units.in_unit(address, work)


class _Writing:
    """Writes rows of one resource with what is nested in them."""

    def __init__(self, units: Units, unit: UnitOfWork, body: NestedBody) -> None:
        self.units = units
        self.unit = unit
        self.body = body

    async def create(self, document: Document, place: Location) -> Key:
        """Create a row."""
        ends, given = await self._ends(document, place, None)
        instance = read_row(self.body.own, self._own(document, ends), place, given)
        with standing_at(place, self._columns(given)):
            key = await self.unit.create(instance, values_of(self.body.own, instance))
        await self._around(document, key, place, new=True)
        return key

    async def change(self, document: Document, key: Sequence[Any], versions: Sequence[Any] | None) -> Key:
        """Change a row that is in one of the versions. Raises `NotFound` and `PreconditionFailed`."""
        row = await self.unit.lock(key, versions)
        ends, given = await self._ends(document, (), row)
        instance = read_row(self.body.own, self._own(document, ends), (), given)
        partly = self.body.kind == "update"
        values = values_of(self.body.own, instance, instance.model_fields_set if partly else None)
        reset = () if partly else tuple(column for column in self.body.own.columns.values() if column not in values)
        with standing_at((), self._columns(given)):
            change = await self.unit.announce("update", instance, values, key)
            found = await self.unit.update(change, key, reset, counts=True)
        await self._around(document, found, (), new=False)
        return found

    def _own(self, document: Document, ends: Document) -> Document:
        names = {inner.name for inner in self.body.inner}
        return {name: value for name, value in document.items() if name not in names} | ends

    def _columns(self, given: Collection[str]) -> list[Field]:
        """Find the columns of foreign keys whose end has just been written or seen."""
        return [
            column for inner in self.body.inner for key, (column, _) in zip(inner.keys, inner.pairs, strict=False)
            if key in given
        ]  # fmt: skip

    def _beside(self, resource: ResourceSchema) -> UnitOfWork:
        return self.unit.beside(self.units.items[resource.name])

    async def _around(self, document: Document, key: Key, place: Location, *, new: bool) -> None:
        """Write what refers to a row, and what is linked to it."""
        for inner in self.body.inner:
            if inner.name in document and inner.kind != "one":
                write = self._children if inner.kind == "children" else self._links
                await write(inner, document[inner.name], key, (*place, inner.name), new)

    async def _make(self, inner: Inner, body: Body, item: Document, place: Location, given: dict[Field, Any]) -> Key:
        """Create a row at the end of a relation; `given` are columns that the row around gives."""
        written = {key: to_jsonable_python(given[column]) for key, column in body.given.items()}
        instance = read_row(body, item | written, place, dict.fromkeys(written, place))
        with standing_at(place, given):
            return await self._beside(inner.target).create(instance, {**values_of(body, instance), **given})

    async def _alter(self, inner: Inner, item: Document, key: Mapping[str, Any], place: Location) -> None:
        """Change what was sent of a row at the end of a relation."""
        names = {part.name for part in inner.key}
        sent = {name: value for name, value in item.items() if name not in names}
        body, unit = inner.target.writes.update, self._beside(inner.target)
        assert body is not None
        if sent:
            instance = read_row(body, sent, place, {})
            values = values_of(body, instance, instance.model_fields_set)
            with standing_at(place):
                change = await unit.announce("update", instance, values, (*key.values(),))
                await unit.update(change, (*key.values(),))

    # To one

    async def _ends(self, document: Document, place: Location, row: Any) -> tuple[Document, dict[str, Location]]:
        """Write the rows to which foreign keys lead: what those are, and where in the body that was said."""
        ends: Document = {}
        given: dict[str, Location] = {}
        for inner in self.body.inner:
            if inner.kind == "one" and inner.name in document:
                here = (*place, inner.name)
                found = await self._end(inner, document[inner.name], here, row)
                ends |= found
                given |= dict.fromkeys(found, here)
        return ends, given

    async def _end(self, inner: Inner, item: Document | None, place: Location, row: Any) -> Document:
        """Write the row to which a foreign key leads, and say what that is; nothing if it stays as it is."""
        if item is None:
            return dict.fromkeys(inner.keys)
        key = key_of(inner, item, place)
        if key is not None and len(item) == len(key):
            if not await self._is_there(inner, key_values(inner.key, key)):
                raise no_row(inner.target, place)
        else:
            before = None if row is None else await self._before(inner, row)
            if before is not None and key in (None, before):
                await self._alter(inner, item, key_values(inner.key, before), place)
                if self.body.kind == "update":
                    return {}
                key = before
            else:
                create = inner.target.writes.create
                assert create is not None
                key = await self._make(inner, create, item, place, {})
        values = key_values(inner.key, key)
        return {
            name: to_jsonable_python(values[part.attribute])
            for name, (_, part) in zip(inner.keys, inner.pairs, strict=True)
        }

    async def _before(self, inner: Inner, row: Any) -> Key | None:
        """Find the row to which a foreign key leads now."""
        values = {part.attribute: getattr(row, column.attribute) for column, part in inner.pairs}
        key = {part.attribute: values[part.attribute] for part in inner.key}
        if any(value is None for value in key.values()) or not await self._is_there(inner, key):
            return None
        return tuple(map(key_text, key.values()))

    async def _is_there(self, inner: Inner, key: Mapping[str, Any]) -> bool:
        """Say whether there is a row, and keep others from changing it."""
        entity = inner.target.entity
        is_it = (getattr(entity, name) == value for name, value in key.items())
        select: Any = sa.select(sa.literal(1)).select_from(entity).where(*is_it, *alive(entity))
        return bool(await self.unit.find(select.with_for_update(of=entity)))

    # To many

    async def _children(self, inner: Inner, items: list[Document], key: Key, place: Location, new: bool) -> None:
        """Write the rows that refer to a row: those that are named by their key, and new ones; no others are left."""
        body = self.units.pipeline.schema.through[inner.relation].create
        assert body is not None
        parent = key_values(self.unit.resource.key, key)
        given = {column: parent[part.attribute] for column, part in inner.pairs}
        present: dict[Key, dict[str, Any]] = {}
        keys: list[Key | None] = [None] * len(items)
        if not new:
            present = await self._present(inner, given)
            keys = keys_of(inner, items, place)
            for at, each in enumerate(keys):
                if each is not None and each not in present and not inner.chosen:
                    raise no_row(inner.target, (*place, at), " of this row")
            for other in present.keys() - set(keys):
                await self._remove(inner, present[other], place)
        for at, each in enumerate(keys):
            if each is not None and each in present:
                await self._alter(inner, items[at], present[each], (*place, at))
        for at, each in enumerate(keys):
            if each is None or each not in present:
                await self._make(inner, body, items[at], (*place, at), given)

    async def _present(self, inner: Inner, given: Mapping[Field, Any]) -> dict[Key, dict[str, Any]]:
        """Find the rows that refer to a row, and keep others from changing them: by what a client writes of the key."""
        entity, key = inner.target.entity, inner.target.key
        columns = [getattr(entity, part.attribute) for part in key]
        refers = (getattr(entity, column.attribute) == value for column, value in given.items())
        select: Any = sa.select(*columns).where(*refers, *alive(entity)).order_by(*columns).with_for_update(of=entity)
        found = [dict(zip([part.attribute for part in key], row, strict=True)) for row in await self.unit.find(select)]
        return {tuple(key_text(row[part.attribute]) for part in inner.key): row for row in found}

    async def _remove(self, inner: Inner, key: Mapping[str, Any], place: Location) -> None:
        """Delete a row that must refer to one, and let go another."""
        unit, body = self._beside(inner.target), inner.target.writes.update
        assert body is not None
        let_go: dict[Field, Any] = {column: None for column, _ in inner.pairs if column.nullable}
        free = {column.attribute for column in let_go}
        with standing_at(place):
            if not let_go:
                change = await unit.announce("delete", None, {}, (*key.values(),))
                await unit.delete(change, (*key.values(),))
                return
            told = {name: None for name, column in body.columns.items() if column.attribute in free}
            instance = body.model.model_construct(**told)
            change = await unit.announce("update", instance, let_go, (*key.values(),))
            await unit.update(change, (*key.values(),))

    async def _links(self, inner: Inner, items: list[Document], key: Key, place: Location, new: bool) -> None:
        """Link rows that are there and new ones to a row, and no others."""
        create = inner.target.writes.create
        assert create is not None
        named = [item if len(item) == len(inner.key) else {} for item in items]
        keys = keys_of(inner, named, place)
        present = set() if new else await self._linked(inner, key)
        for other in present - set(keys):
            await self._link("delete", inner, key + other, place)
        for at, (item, each) in enumerate(zip(items, keys, strict=True)):
            here = (*place, at)
            if each in present:
                continue
            other = each or await self._make(inner, create, item, here, {})
            if not await self._link("create", inner, key + other, here):
                raise no_row(inner.target, here)

    async def _linked(self, inner: Inner, key: Key) -> set[Key]:
        """Find the rows that are linked to a row."""
        through = self.units.pipeline.schema.through[inner.relation]
        assert through.rows is not None
        target, rows = inner.target.entity, through.rows.entity
        parent = key_values(self.unit.resource.key, key)
        near = (getattr(rows, column.attribute) == parent[part.attribute] for column, part in through.near)
        far = (getattr(rows, column.attribute) == getattr(target, part.attribute) for column, part in through.far)
        columns = [getattr(target, part.attribute) for part in inner.key]
        found = await self.unit.find(sa.select(*columns).where(*near, *far, *alive(target)))
        return {tuple(map(key_text, row)) for row in found}

    async def _link(self, kind: Any, inner: Inner, keys: Key, place: Location) -> bool:
        """Make or undo a link; `False` when there is nothing to link."""
        prepared = self.units.prepare(self.units.members[inner.relation], Action(kind=kind), ())
        made = [generated.value() for generated in prepared.plan.generated]
        values, statement = (*bind(prepared.plan, keys), *made), prepared.statement.statement
        with standing_at(place):
            try:
                return await self.unit.execute(statement.text, statement.bind(values)) is not None
            except Rejected as error:
                raise Refused.by(error, prepared.plan, values) from error
