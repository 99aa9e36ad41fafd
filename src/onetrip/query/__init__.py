"""Stage 1: query string → `Query`. Standard library only.

`parser` splits a query string into shape and values, and parses shapes; `ast` is what comes out.
"""
