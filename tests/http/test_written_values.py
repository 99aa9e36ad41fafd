"""Every column type: what PATCH, PUT and arrays take is stored as Pydantic reads it, and reads the same again."""

import json
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import MISSING, BaseModel, TypeAdapter
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onetrip.schema.model import Body, ResourceSchema
from tests.http.client import Answer, Client
from tests.schema.serving import resource_of, served
from tests.schema.test_bounds import raw_values
from tests.sql import samples
from tests.support.databases import Backend

_settings = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
_READ: dict[str, Any] = {
    "decimal": Decimal, "datetime": datetime.fromisoformat, "local_datetime": datetime.fromisoformat,
    "time": time.fromisoformat, "zoned_time": time.fromisoformat, "duration": TypeAdapter(timedelta).validate_python,
}  # fmt: skip
"""Kinds of which one value has several spellings."""

_LOOSE = ("single", "decimal_float", "code", "unscaled", "precise")
"""Columns that store something near to what is sent, of which the databases say what."""

TABLES = [samples.Sample, samples.Document, samples.Loose, samples.Special, samples.Matrix]


def _tables(backend: Backend) -> list[Any]:
    return TABLES if backend.name == "postgresql" else TABLES[:3]


def _refused(answer: Answer, raw: dict[str, Any]) -> dict[str, Any]:
    """What is left of a body without what an answer says is wrong."""
    problem = answer.json()
    wrong = {error["loc"][1] for error in problem["errors"] if len(error["loc"]) > 1}
    if not wrong and problem["errors"][0]["type"] == "out_of_range":  # of a number that is too small for a REAL
        wrong = {"single"}
    assert wrong and wrong <= raw.keys(), problem
    return {name: value for name, value in raw.items() if name not in wrong}


def _accepted(client: Client, method: str, path: str, raw: dict[str, Any]) -> tuple[dict[str, Any], Answer]:
    """Send a body, without what is wrong with it."""
    while (answer := client.send(method, path, raw)).status == 422:
        raw = _refused(answer, raw)
    assert answer.status in (200, 201), answer.body
    return raw, answer


def _numbers(value: Any) -> Any:
    """JSON in which numbers are floats: of one beyond 2^53, JSONB writes digits that a float does not have."""
    return json.loads(json.dumps(value), parse_int=float)


def _value(type_: Any, value: Any) -> Any:
    if isinstance(value, list) and type_.kind == "array":
        return [_value(type_.item, item) for item in value]
    if type_.kind == "json":
        return _numbers(value)
    return value if value is None or type_.kind not in _READ else _READ[type_.kind](value)


def _is_as_sent(body: Body, resource: ResourceSchema, raw: dict[str, Any], answer: Any) -> None:
    """An answer shows what the model of the body makes of what was sent."""
    instance: BaseModel = body.model.model_validate_json(json.dumps(raw))
    sent = instance.model_dump(mode="json", by_alias=False)
    for name, field in body.columns.items():
        if field.name not in raw or getattr(instance, name) is MISSING or field.name in _LOOSE:
            continue
        assert _value(field.type, answer[field.name]) == _value(field.type, sent[name]), field.name


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_is_changed_is_read_back(backend: Backend, method: str) -> None:
    """A change answers with what is stored, which is what was sent; PATCH leaves the rest."""
    for table in _tables(backend):
        with served(backend, table) as it:
            _changed(it.client, resource_of(table, url=backend.url), method)


def _changed(client: Client, resource: ResourceSchema, method: str) -> None:
    path = f"/{resource.name}"
    body = resource.writes.update if method == "PATCH" else resource.writes.replace
    assert body is not None and client.send("POST", path, {}).status == 201
    path += "/1"

    @_settings
    @given(raw_values(resource))
    def check(raw: dict[str, Any]) -> None:
        before = client.get(path).json()
        raw, answer = _accepted(client, method, path, raw)
        assert client.get(path).body == answer.body
        found = answer.json()
        _is_as_sent(body, resource, raw, found)
        if method == "PATCH":
            kept = before.keys() - raw.keys() - {"half"}
            assert {name: found[name] for name in kept} == {name: before[name] for name in kept}
        else:
            unset = body.columns.values()
            assert all(found[field.name] is None for field in unset if field.name not in raw and field.name in found)

    check()


def test_an_array_stores_what_single_requests_store(backend: Backend) -> None:
    """Rows of an array are as those that come alone, and are read back."""
    for table in _tables(backend):
        with served(backend, table) as it:
            _together(it.client, resource_of(table, url=backend.url))


def _together(client: Client, resource: ResourceSchema) -> None:
    path = f"/{resource.name}"

    @_settings
    @given(st.lists(raw_values(resource), min_size=1, max_size=4))
    def check(raws: list[dict[str, Any]]) -> None:
        alone, rows = [], []
        for raw in raws:
            kept, answer = _accepted(client, "POST", path, raw)
            alone.append({**answer.json(), "id": None})
            rows.append(kept)
        together = client.send("POST", path, rows)
        assert together.status == 201, together.body
        assert [{**row, "id": None} for row in together.json()] == alone
        for row in together.json():
            assert client.get(f"{path}/{row['id']}").json() == row

    check()


class _Numbers(sa.types.TypeDecorator[Any]):
    impl = pg.ARRAY(sa.Integer)
    cache_ok = True


class _Base(DeclarativeBase):
    pass


class _Variant(_Base):
    __tablename__ = "variant"
    id: Mapped[int] = mapped_column(primary_key=True)
    value = mapped_column(sa.JSON().with_variant(pg.ARRAY(sa.Integer), "postgresql"))


class _Decorated(_Base):
    __tablename__ = "decorated"
    id: Mapped[int] = mapped_column(primary_key=True)
    value = mapped_column(_Numbers().with_variant(sa.JSON(), "sqlite"))


class _Document(_Base):
    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    value = mapped_column(sa.JSON)


@pytest.mark.parametrize("table", [_Variant, _Decorated, _Document])
def test_lists_in_rows_of_an_array_stay_lists(backend: Backend, table: Any) -> None:
    """A value that is a list is one value, whatever its column is called: not one row for each of its items."""
    values: list[list[int]] = [[1, 2], [3], [4, 5]]
    with served(backend, table) as it:
        for sent in (values, values[:1], [[]]):
            answer = it.client.send("POST", f"/{table.__tablename__}", [{"value": value} for value in sent])
            assert answer.status == 201, answer.body
            assert [row["value"] for row in answer.json()] == sent
