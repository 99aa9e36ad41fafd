"""The OpenAPI of an API keeps its word: what it admits is taken, what it does not is refused, answers are as it says.

In its long form, with other requests every time: `ONETRIP_CONTRACT_CASES=60 python3 dev.py test tests/contract`.
"""

import importlib
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from codeclash import main, registration
from codeclash.models import Comment, Post, PostTag, Tag, User
from codeclash.seed import HASH
from fastapi import FastAPI
from sqlmodel import SQLModel

from onetrip import API, Resource
from onetrip.cli.load import load
from onetrip.cli.searching import create_indexes
from onetrip.cli.target import parse_target
from onetrip.http import filter_parameters
from onetrip.sql.own import own_metadata
from tests.contract.asking import CASES, complaints
from tests.http import world
from tests.schema.serving import load_chinook
from tests.support.databases import Backend
from tests.support.shared import needs_chinook

Make = Callable[[Backend], FastAPI]

pytestmark = pytest.mark.no_cover  # which would take most of the time, and everything here is covered elsewhere

FILTERS = 20 if CASES else 1
"""Filters that are described of an operation: every operator of every column would take hours to go through.

`tests/http/test_parameters.py` asks by all of them.
"""


def codeclash(backend: Backend) -> FastAPI:
    """The example, with its hook, and an endpoint written by hand."""
    own_metadata.create_all(backend.engine())
    importlib.reload(main)
    grace = User(email="grace@example.com", username="grace", bio="Compilers", hashed_password=HASH)
    post = Post(title="Notes", content="On compilers", author=grace)
    backend.create(SQLModel.metadata, grace, post, Tag(name="craft"), Tag(name="python"))
    backend.create(SQLModel.metadata, Comment(body="Nice", post_id=1, author_id=1), PostTag(post_id=1, tag_id=1))
    with backend.engine().begin() as connection:
        create_indexes(connection, [main.api])
    return main.app


def types(backend: Backend) -> FastAPI:
    """Columns of every type, keys of every kind, versions, soft deletion, and everything that is optional."""
    own_metadata.create_all(backend.engine())
    world.fill(backend)
    api = API(
        Resource(world.Sample, exposed=["token_id"], bulk=True, increments=["small", "big", "price"]),
        Resource(world.Paper, require_if_match=True),
        Resource(world.City, history=True),
        world.Folder, world.Country, world.Playlist, world.Track, world.PlaylistTrack, world.Shelf,
        database=backend.url,
    )  # fmt: skip
    app = FastAPI(lifespan=api.lifespan, exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    return app


def chinook(backend: Backend) -> FastAPI:
    """A database that was there before, as `onetrip serve URL` serves it."""
    load_chinook(backend)
    app = load(parse_target(backend.url), lambda stage, done, total: None).app
    assert isinstance(app, FastAPI)
    return app


SHORT = ("fuzzing", "stateful")
"""What the example goes through every time."""


@pytest.mark.parametrize(("phase", "few"), [("coverage", 1), ("fuzzing", 2), ("stateful", 10)])
@pytest.mark.parametrize(
    "make", [codeclash, types, pytest.param(chinook, marks=needs_chinook)], ids=lambda make: make.__name__
)
def test_the_document_keeps_its_word(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, make: Make, phase: str, few: int
) -> None:
    """Every operation, with all of schemathesis' checks, by itself and in sequences."""
    if not CASES and not (make is codeclash and phase in SHORT):
        pytest.skip("takes minutes, which the long form has")
    monkeypatch.setattr(registration, "HASHER", PasswordHasher(1, 8, 1))
    monkeypatch.setenv("ONETRIP_DATABASE_URL", backend.url)
    monkeypatch.setattr(filter_parameters, "MAX_FILTERS", FILTERS)
    found = complaints(make(backend), phase, few=few)
    assert not found, f"{len(found)} complaints:\n\n" + "\n\n".join(found[:20])
