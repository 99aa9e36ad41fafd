"""Benchmarks: onetrip beside hand-written FastAPI and a bare ASGI floor, in one run on the same data."""
