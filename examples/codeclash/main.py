"""The application: a generated API, and two endpoints written by hand beside it."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Path, Request, Response
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API, Resource, Settings, add_docs

from .models import Comment, Post, Tag, User
from .registration import UserCreate, hash_password

settings = Settings(  # the environment and `.env` come before what stands here
    database_url="sqlite:///codeclash.db",  # or postgresql://…
    cors_origins=("http://localhost:5173",),
)

api = API(
    Resource(User, create=UserCreate, before_create=hash_password),
    Resource(Post, max_limit=100, search={"title": "A", "content": "D"}),
    Comment,
    Tag,
    settings=settings,
)

app = FastAPI(title="CodeClash API", lifespan=api.lifespan, **settings.application)
app.include_router(api.router)
add_docs(app)  # /docs without internet

Session = Annotated[AsyncSession, Depends(api.session)]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Headline(SQLModel):
    """What the first of them answers."""

    id: int
    title: str
    created_at: datetime


NOTHING = "This user has not published anything."


@app.get("/users/{id}/latest", response_model=Headline, tags=["users"], responses={404: {"description": NOTHING}})
async def latest(id: Id, session: Session) -> Post:
    """Get the newest published post of a user."""
    published = select(Post).where(Post.author_id == id, Post.published)
    newest = published.order_by(col(Post.created_at).desc()).limit(1)
    post = (await session.exec(newest)).first()
    if post is None:
        raise HTTPException(404, NOTHING)
    return post


@app.get("/users/{id}/discussions", response_model=list[Post], tags=["users"])
async def discussions(id: Id, request: Request) -> Response:
    """List the published posts that a user has commented on; a client filters and pages them as any generated list."""
    commented = col(Post.comments).any(col(Comment.author_id) == id)
    return await api.query(Post).where(Post.published, commented).include("author").page(request)
