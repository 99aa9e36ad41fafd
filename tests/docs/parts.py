"""Pages in parts: each part of a page declares tables of its own, and they may have the same names."""

from typing import Any

from sqlmodel import SQLModel

from tests.docs.run import OWN, backend_of


def begin_again(names: dict[str, Any]) -> None:
    """Forget the tables, the rows and the application that a page has shown so far."""
    engine = backend_of(OWN).engine()
    for metadata in (*names["api"].metadata, names["api"].own_tables):
        metadata.drop_all(engine)
    engine.dispose()
    SQLModel.metadata.clear()
    SQLModel._sa_registry.dispose()  # type: ignore[attr-defined]
    for name in ("app", "api", "rows", "filled"):
        names.pop(name, None)
