"""add tags

Revision ID: f025b4128307
Revises: 18271f0c21c4
Create Date: 2026-11-21 22:55:05.564610+00:00
"""

import sqlalchemy as sa

from alembic import op

revision = "f025b4128307"
down_revision = "18271f0c21c4"
branch_labels = None
depends_on = None

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = None

# migrate: allow M15 reason="nobody invents two billion tags"


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("name", name=op.f("uq_tag_name")),
    )
    op.create_table(
        "posttag",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_posttag_post_id_post"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_posttag_tag_id_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "tag_id", name=op.f("pk_posttag")),
    )
    op.create_index(op.f("ix_posttag_tag_id"), "posttag", ["tag_id"], unique=False)


def downgrade() -> None:
    """Change it back."""
    op.drop_index(op.f("ix_posttag_tag_id"), table_name="posttag")
    op.drop_table("posttag")
    op.drop_table("tag")
