"""The blog's reads, as tests of applications ask for them."""

from fastapi import HTTPException

from tests.http.client import Answer

READS = ("/posts", "/posts/1", "/users/1/posts", "/comments/1/author", "/livez", "/readyz")
"""One of each kind of generated route."""

GENERATED = READS[:4]
"""Those that read tables."""

ALL = ["Notes", "Bernoulli", "Looms", "Poetry", "Computable numbers"]
"""The title of every post."""


def titles(answer: Answer) -> list[str]:
    """The titles of a list of posts."""
    assert answer.status == 200, answer.body
    return [post["title"] for post in answer.json()]


def refuse() -> None:
    """A dependency that lets nobody in."""
    raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Bearer"})


class Guard:
    """A dependency that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self) -> None:
        self.calls += 1
