"""As many like tables as `BENCHMARK_TABLES` says (200 by default), to see what their number costs."""

import os
import types
from typing import Any

from sqlmodel import Field, SQLModel

ROWS = 100


def define(number: int) -> type[SQLModel]:
    """Return a table class as a `class` statement would make it."""
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__tablename__": f"thing_{number:03}",
        "__annotations__": {"id": int | None, "name": str, "amount": int},
        "id": Field(default=None, primary_key=True),
    }
    return types.new_class(f"Thing{number}", (SQLModel,), {"table": True}, lambda body: body.update(namespace))


TABLES = [define(number) for number in range(1, int(os.environ.get("BENCHMARK_TABLES", "200")) + 1)]
globals().update({table.__name__: table for table in TABLES})
