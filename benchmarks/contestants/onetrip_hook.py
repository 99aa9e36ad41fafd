"""The contestant onetrip with a hook in each write: a transaction on an ordinary session, not one statement."""

import os
from typing import Any

from fastapi import FastAPI

from benchmarks.contestants.unobserved import UNOBSERVED
from benchmarks.models import Comment, Post, User
from onetrip import API, Change, Resource


def strip_title(change: Change[Any]) -> None:
    change.values["title"] = change.values["title"].strip()


api = API(
    User,
    Resource(Post, before_create=strip_title, before_update=strip_title),
    Comment,
    database=os.environ["BENCHMARK_DATABASE"],
)
app = FastAPI(lifespan=api.lifespan, telemetry=UNOBSERVED)
app.include_router(api.router)
