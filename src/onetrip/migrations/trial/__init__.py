"""A rehearsal of all revisions, with rows, in a database of the same kind that is thrown away afterwards."""
