"""add bio

Revision ID: 18271f0c21c4
Revises: 48c1482bb64f
Create Date: 2026-11-21 22:54:46.293736+00:00
"""

import sqlalchemy as sa

from alembic import op

revision = "18271f0c21c4"
down_revision = "48c1482bb64f"
branch_labels = None
depends_on = None

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = None


def upgrade() -> None:
    """Change the schema."""
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bio", sa.String(), nullable=True))


def downgrade() -> None:
    """Change it back."""
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("bio")
