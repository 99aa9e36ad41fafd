"""A database's schema as its catalogue tells it, in the database's own words, so that two can be compared.

Read from a database (`postgresql`, `sqlite`) or from code (`declared`): then tables are made in a corner of the very
database it will be compared with, read there, and rolled back. What differs is a difference, and nothing else is.
"""
