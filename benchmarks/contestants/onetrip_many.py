"""onetrip with as many resources as `BENCHMARK_TABLES` says."""

import os

from fastapi import FastAPI

from benchmarks.contestants.unobserved import UNOBSERVED
from benchmarks.many import TABLES
from onetrip import API

api = API(*TABLES, database=os.environ["BENCHMARK_DATABASE"])
app = FastAPI(lifespan=api.lifespan, telemetry=UNOBSERVED)
app.include_router(api.router)
