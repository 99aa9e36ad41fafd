"""The checks, each in a module of its own that is called by its number and holds a `CHECK`."""
