"""A database with the rows of CodeClash."""

import asyncio

from codeclash.models import Comment, Post, User
from codeclash.seed import seed
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API


def fill(url: str) -> None:
    """Create the tables in an empty database, and the sample rows."""
    asyncio.run(_fill(API(User, Post, Comment, database=url)))


async def _fill(api: API) -> None:
    async with api.lifespan():
        engine = api.database.engine
        async with engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        async with AsyncSession(engine) as session:
            await seed(session)
            await session.commit()
