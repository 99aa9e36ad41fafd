"""add search

Revision ID: 77d0bf2c26ac
Revises: f025b4128307
Create Date: 2026-11-21 22:55:24.271651+00:00
"""

from alembic import op

revision = "77d0bf2c26ac"
down_revision = "f025b4128307"
branch_labels = None
depends_on = None

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = None


def upgrade() -> None:
    """Change the schema."""
    # migrate: allow M14 reason="there were some hundred posts, which PostgreSQL writes anew in a moment"
    op.create_search_index("post", {"title": "A", "content": "D"}, language="simple", key=["id"])


def downgrade() -> None:
    """Change it back."""
    op.drop_search_index("post")
