"""The application: a generated API, and one endpoint written by hand beside it."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Path
from fastapi.middleware.cors import CORSMiddleware
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API, Resource, add_docs

from .models import Comment, Post, Tag, User
from .registration import UserCreate, hash_password

api = API(
    Resource(User, create=UserCreate, before_create=hash_password),
    Resource(Post, max_limit=100, search={"title": "A", "content": "D"}),
    Comment,
    Tag,
    database="sqlite:///codeclash.db",  # or postgresql://…; ONETRIP_DATABASE_URL overrides it
)

app = FastAPI(title="CodeClash API", docs_url=None, lifespan=api.lifespan)
app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:5173"], allow_methods=["*"], allow_headers=["*"])
app.include_router(api.router)
add_docs(app)  # /docs without internet

Session = Annotated[AsyncSession, Depends(api.session)]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Headline(SQLModel):
    """What the endpoint below answers."""

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
