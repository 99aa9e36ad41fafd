"""Stages 0 and 5: the edge, where FastAPI lives.

`direct` and `router` receive (`included` knows how FastAPI includes routers, `routes` which path is what), `request`
reads the head, `pipeline` is the spine, `answer` and `problems` respond; `openapi` and `docs` describe.
"""
