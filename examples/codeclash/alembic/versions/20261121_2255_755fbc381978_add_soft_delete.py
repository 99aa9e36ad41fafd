"""add soft delete

Revision ID: 755fbc381978
Revises: 77d0bf2c26ac
Create Date: 2026-11-21 22:55:43.891073+00:00
"""

import sqlalchemy as sa

from alembic import op

revision = "755fbc381978"
down_revision = "77d0bf2c26ac"
branch_labels = None
depends_on = None

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = None


def upgrade() -> None:
    """Change the schema."""
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Change it back."""
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.drop_column("deleted_at")
