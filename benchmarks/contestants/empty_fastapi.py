"""What a FastAPI route adds to the server: an answer without a database."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def empty() -> dict[str, str]:
    """Answer `{}`."""
    return {}
