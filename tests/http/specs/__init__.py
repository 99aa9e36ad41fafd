"""HTTP specs as data: what is asked, what must come back, and what must not."""
