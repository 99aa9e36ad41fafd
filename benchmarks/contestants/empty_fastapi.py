"""What a FastAPI route adds to the server: an answer without a database."""

from fastapi import FastAPI

from benchmarks.contestants.unobserved import UNOBSERVED

app = FastAPI(telemetry=UNOBSERVED)


@app.get("/")
async def empty() -> dict[str, str]:
    """Answer `{}`."""
    return {}
