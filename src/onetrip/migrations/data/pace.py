"""How many rows a batch has: as many as are done within some time, so that nobody waits long for their locks."""

from dataclasses import dataclass

MOST = 10_000
"""Rows of a batch, at most."""

_STEP = 2.0  # a batch is at most so many times as large as the one before, and at least as small


@dataclass(frozen=True, slots=True)
class Pace:
    """The size of the next batch, and how long it is to take, in seconds.

    >>> Pace(1000, target=0.2).after(0.4), Pace(1000, target=0.2).after(0.16), Pace(1, target=0.2).after(9)
    (Pace(size=500, target=0.2), Pace(size=1250, target=0.2), Pace(size=1, target=0.2))
    """

    size: int
    target: float

    def after(self, seconds: float) -> "Pace":
        """Answer the pace after a batch that took so long."""
        factor = min(max(self.target / seconds, 1 / _STEP), _STEP) if seconds > 0 else _STEP
        return Pace(min(max(int(self.size * factor), 1), MOST), self.target)
