"""The contestant onetrip: three tables given to `API`, nothing else."""

import os

from fastapi import FastAPI

from benchmarks.contestants.unobserved import UNOBSERVED
from benchmarks.models import Comment, Post, User
from onetrip import API

api = API(User, Post, Comment, database=os.environ["BENCHMARK_DATABASE"])
app = FastAPI(lifespan=api.lifespan, telemetry=UNOBSERVED)
app.include_router(api.router)
