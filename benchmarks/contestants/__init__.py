"""Who takes part: each contestant is an ASGI app in a module of its own, listed in `registry`.

Nothing is imported here, so that the memory of a contestant is its own.
"""
