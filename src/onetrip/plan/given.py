"""What an application has said itself about rows, in Python, on its way through a plan, which does not look into it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """A condition that the application has written: an `expression` that only the compiler can read.

    Its values are parameters behind those of the plan. `text` tells it from others, as the text in `slot` does, which
    says where it was asked.
    """

    expression: Any
    text: str
    slot: int
