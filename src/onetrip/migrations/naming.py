"""Names of constraints and indexes, where the code gives none: without one nothing can be changed or dropped later."""

import sqlalchemy as sa

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""As SQLAlchemy proposes it: https://docs.sqlalchemy.org/en/21/core/constraints.html#constraint-naming-conventions"""

_DEFAULT = sa.MetaData().naming_convention


def name_constraints(metadata: sa.MetaData) -> None:
    """Set the convention of a metadata that has none: before the first table, because names are given then."""
    if not metadata.tables and metadata.naming_convention == _DEFAULT:
        metadata.naming_convention = CONVENTION
