"""Whatever is sent, a POST answers 201 or says what is wrong, and what it took is there and reads the same again."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from onetrip.schema.model import ResourceSchema
from tests.http.client import Client
from tests.schema.serving import resource_of, served
from tests.schema.test_bounds import raw_values
from tests.sql import samples
from tests.support.databases import Backend

AS_SENT = ("string", "boolean", "bytes")
NORMALISED = ("folder", "address", "email")  # by their annotations


def post(client: Client, path: str, body: Any) -> tuple[int, Any]:
    """Send a JSON body; answer the status and the JSON that comes back."""
    raw = json.dumps(body).encode()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": "POST",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("test", 80),
        "client": ("test", 1), "headers": [(b"host", b"test"), (b"content-type", b"application/json")],
    }  # fmt: skip
    client.runner.run(client.app(scope, receive, send))
    start, *rest = sent
    return start["status"], json.loads(b"".join(part.get("body", b"") for part in rest))


def test_what_is_created_is_read_back(backend: Backend) -> None:
    tables = [samples.Sample, samples.Document, *([samples.Special] if backend.name == "postgresql" else [])]
    for table in tables:
        with served(backend, table) as it:
            _read_back(it.client, resource_of(table, url=backend.url))


def _read_back(client: Client, resource: ResourceSchema) -> None:
    path = f"/{resource.name}"

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(raw_values(resource))
    def check(raw: dict[str, Any]) -> None:
        status, answer = post(client, path, raw)
        while status == 422:  # without what is wrong, it is right
            wrong = {error["loc"][1] for error in answer["errors"]}
            assert wrong <= raw.keys()
            raw = {name: value for name, value in raw.items() if name not in wrong}
            status, answer = post(client, path, raw)
        assert status == 201, answer
        assert client.get(f"{path}/{answer['id']}").json() == answer
        for name, value in raw.items():
            if resource.fields[name].type.kind in AS_SENT and name not in NORMALISED:
                assert answer[name] == value

    check()
