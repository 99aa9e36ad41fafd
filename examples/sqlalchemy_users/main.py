"""The application: a generated API, and one endpoint written by hand twice, synchronous and asynchronous."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Path
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from onetrip import API, Resource

from .models import Base, Post, User
from .schemas import UserCreate, UserOut, UserUpdate

api = API(
    Resource(User, read=UserOut, create=UserCreate, update=UserUpdate),
    Post,
    database="sqlite:///app.db",  # or postgresql://localhost/app
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Create the tables that are not there. An application that is deployed has migrations instead."""
    async with api.lifespan(app):
        async with api.transaction() as session:
            connection = await session.connection()
            await connection.run_sync(Base.metadata.create_all)
        yield


app = FastAPI(title="Users API", lifespan=lifespan, exception_handlers=api.exception_handlers)
app.include_router(api.router)

DB = Annotated[Session, Depends(api.sync_session)]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
AsyncDB = Annotated[AsyncSession, Depends(api.session)]


@app.get("/sync/users/{user_id}", response_model=UserOut, tags=["by hand"])
def read_user(user_id: Id, db: DB) -> User:
    """Get a user, in one of FastAPI's threads."""
    user = db.get(User, user_id)
    if user is None:
        raise HTTPException(404, "User not found")
    return user


@app.get("/async/users/{user_id}", response_model=UserOut, tags=["by hand"])
async def read_user_async(user_id: Id, db: AsyncDB) -> User:
    """Get a user, in the event loop."""
    user = await db.get(User, user_id)
    if user is None:
        raise HTTPException(404, "User not found")
    return user
