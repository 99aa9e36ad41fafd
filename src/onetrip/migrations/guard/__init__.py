"""SQLite: what copying a table (Alembic's batch mode) would lose, and what must be as it was after a revision.

SQLite changes a table by making a new one, filling it, and dropping the old one, with which go its triggers, some of
its indexes and constraints, and rows that refer to it. See https://www.sqlite.org/lang_altertable.html#otheralter
"""
