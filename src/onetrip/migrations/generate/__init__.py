"""Alembic's operations → a revision that loses nothing and blocks nobody.

One pass per module over what the comparison found, in this order: renames instead of drops and creates (`renames`),
no drops unasked (`drops`), rows that are there get what a new column needs (`fills`), types that need to be told how
rows change (`casts`), and on PostgreSQL the forms that do not stop reads and writes (`safe`). `directives` calls them.
"""
