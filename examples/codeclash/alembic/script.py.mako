<%!
from onetrip.migrations.layout import escaped, imported, lay_out, quoted
%>\
"""${escaped(message)}

Revision ID: ${up_revision}
Revises: ${", ".join(down_revision) if isinstance(down_revision, tuple) else down_revision or "nothing"}
Create Date: ${create_date}
% if up_revision in context.get("notes", {}):

${escaped(context.get("notes", {})[up_revision])}
% endif
"""

${imported(upgrades, downgrades)}

revision = ${quoted(up_revision)}
down_revision = ${quoted(down_revision)}
branch_labels = ${quoted(branch_labels)}
depends_on = ${quoted(depends_on)}

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = ${quoted(context.get("irreversible", {}).get(up_revision))}
% if up_revision in context.get("needs_data", {}):

# The data migrations that have to be finished before: 'onetrip db data run'.
needs_data = ${quoted(context.get("needs_data", {})[up_revision])}
% endif


def upgrade() -> None:
    """Change the schema."""
${lay_out(upgrades)}


def downgrade() -> None:
    """Change it back."""
${lay_out(downgrades)}
