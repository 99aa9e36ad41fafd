"""The difference of two snapshots → Alembic's operations: everything that its own comparison does not see.

Alembic says which tables and columns are new or gone, and compares comments. The rest is here, read from the database
on both sides (`sides`): columns (`columns`), constraints and indexes (`tables`, `definitions`), types, schemas and
sequences (`types`), and what a script as a whole needs (`plugin`).

Equal is what the database describes equally: the name of a constraint alone, the order of columns, the dimensions of
an array make no difference. Views, triggers, functions, policies, domains, tablespaces and parameters of storage are
not compared. A column that begins or ceases to be computed is refused; one that is computed in another way is made
anew, for its values follow from the others.
"""
