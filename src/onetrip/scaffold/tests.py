"""The test of a table that is added: what its endpoints do with rows that were made for it."""

from collections.abc import Iterator

from onetrip.scaffold.fields import TYPES, Field
from onetrip.scaffold.model import NewTable
from onetrip.schema import naming

_TEMPLATE = '''\
"""What {path} does."""

from onetrip.testing import Factory
from starlette.testclient import TestClient

from {module} import {name}


def test_{one}_is_created_read_and_deleted(client: TestClient, factory: Factory) -> None:
    """What was sent is answered, found again, and gone when it was deleted."""
    sent = factory.body({name})
    created = client.post("{path}", json=sent)
    assert created.status_code == 201, created.text
    assert created.json().items() >= sent.items()
    place = created.headers["Location"]
    assert client.get(place).json() == created.json()
    assert client.get("{path}").json() == [created.json()]
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
'''

_CHANGED = '''

def test_{one}_is_changed(client: TestClient, factory: Factory) -> None:
    """What a PATCH names is changed."""
    there = client.post("{path}", json=factory.body({name})).headers["Location"]
    changed = client.patch(there, json={{"{field}": {value}}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["{field}"] == {value}
'''

_REQUIRED = '''

def test_{one}_without_{field}_is_refused(client: TestClient, factory: Factory) -> None:
    """What is required is asked for."""
    sent = factory.body({name})
    del sent["{field}"]
    refused = client.post("{path}", json=sent)
    assert refused.status_code == 422
    assert [error["loc"] for error in refused.json()["errors"]] == [["body", "{field}"]]
'''


def test_of(table: NewTable, module: str) -> str:
    """Write the file of tests of a table whose class is in a module."""
    return "".join(_parts(table, module))


def _parts(table: NewTable, module: str) -> Iterator[str]:
    one = naming.one(naming.snake(table.name)).replace(" ", "_")
    names = {
        "name": table.name, "module": module, "one": one, "path": f"/{naming.resource_path(table.name)}",
    }  # fmt: skip
    yield _TEMPLATE.format(**names)
    changed = next((field for field in table.fields if field.type is not None), None)
    if changed is not None:
        yield _CHANGED.format(**names, field=changed.name, value=_sample(changed))
    required = next((field for field in table.fields if not field.nullable and field.default is None), None)
    if required is not None:
        yield _REQUIRED.format(**names, field=required.column)


def _sample(field: Field) -> str:
    assert field.type in TYPES.values()
    return field.type.sample if field.type is not None else ""
