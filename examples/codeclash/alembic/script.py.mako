<%!
from onetrip.migrations.layout import escaped, imported, lay_out, quoted
%>\
"""${escaped(message)}

Revision ID: ${up_revision}
Revises: ${", ".join(down_revision) if isinstance(down_revision, tuple) else down_revision or "nothing"}
Create Date: ${create_date}
"""

${imported(upgrades, downgrades)}

revision = ${quoted(up_revision)}
down_revision = ${quoted(down_revision)}
branch_labels = ${quoted(branch_labels)}
depends_on = ${quoted(depends_on)}

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = ${quoted(context.get("irreversible", {}).get(up_revision))}


def upgrade() -> None:
    """Change the schema."""
${lay_out(upgrades)}


def downgrade() -> None:
    """Change it back."""
${lay_out(downgrades)}
