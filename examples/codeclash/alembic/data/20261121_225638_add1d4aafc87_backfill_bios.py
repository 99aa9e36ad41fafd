"""backfill bios

Data migration: add1d4aafc87
After: nothing
Create Date: 2026-11-21 22:56:38.135880
"""

import sqlalchemy as sa

revision = "add1d4aafc87"
down_revision = None

# The revision of the schema that has to be applied before.
depends_on = "755fbc381978"

# How many rows the first batch has; later ones have as many as are done quickly.
batch_size = 1000

# The table as this file needs it, whatever the application becomes: its primary key, and what is read and written.
table = sa.table("user", sa.column("id"), sa.column("bio"))

# Forms of the frontend sent a text of blanks for "nothing", which is NULL.
where = sa.func.trim(table.c.bio) == ""


def batch(connection, rows, chosen):
    """Take away some biographies that say nothing."""
    connection.execute(table.update().where(chosen).values(bio=None))
