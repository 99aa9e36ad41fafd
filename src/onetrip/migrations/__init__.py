"""Schema changes: Alembic, and what it misses or lets through.

Alembic writes revisions, orders and runs them, and keeps `alembic_version`; its own commands work as ever. Here is what
is added: both sides are read from the same database (`snapshot`) and compared (`compare`), revisions are rewritten
until they are safe (`generate`) and judged from their operations (`lint`), and one runner among many applies them
(`run`). All but `ready` is imported by commands alone: Alembic costs time, and a server needs none of it.
"""
