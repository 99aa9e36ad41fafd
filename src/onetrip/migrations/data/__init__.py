"""Data migrations: rows changed in batches, beside the revisions of the schema and never while they are applied.

They are files in `alembic/data/`, one after the other (`chain`); one runner works through them (`run`), in transactions
that are as large as the database takes them quickly (`pace`).
"""
