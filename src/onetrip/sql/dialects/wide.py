"""Numbers in SQLite that no type of it holds: sums of more than 64 bits, and decimals.

Such a number is a text that sorts as the number does: its sign, how many digits stand before the point, and those and
the decimals; of a negative number, all of it turned around.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

_TURNED = str.maketrans("0123456789", "9876543210")


def wide(number: Decimal) -> str:
    """Write a number as a key.

    >>> wide(Decimal("-1.5")) < wide(Decimal(9)) < wide(Decimal(10))
    True
    """
    whole, _, decimals = format(number.copy_abs(), "f").partition(".")
    whole = whole.lstrip("0")
    text = f"{len(whole):04d}{whole}.{decimals.rstrip('0')}"
    return f"0{text.translate(_TURNED)}~" if number < 0 else f"1{text}"


def narrow(key: str) -> Decimal:
    """Read a key."""
    if key.startswith("0"):
        return Decimal("-0" + key[5:-1].translate(_TURNED))
    return Decimal("0" + key[5:])


class Wide(sa.types.TypeDecorator[Any]):
    """A number that is compared as a key."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """Write the key."""
        return None if value is None else wide(Decimal(value))


def _units(high: int | None, low: int | None, rest: float | None, decimals: int) -> int | None:
    """Put a sum together, as a number of units of the last decimal; infinity is none."""
    if rest is None:
        return None if high is None or low is None else (high << 32) + low
    if not math.isfinite(rest):
        return None
    whole = int(rest)
    units: int = whole * 10**decimals + round((rest - whole) * 10**decimals)
    return ((high or 0) << 32) + (low or 0) + units


def _wide(high: int | None, low: int | None, rest: float | None, decimals: int) -> str | None:
    units = _units(high, low, rest, decimals)
    return None if units is None else wide(Decimal(f"{units}E-{decimals}"))


def _mean(high: int | None, low: int | None, rest: float | None, decimals: int, count: int, wanted: int) -> str | None:
    """Divide a sum, rounding half away from zero, as PostgreSQL does."""
    units = _units(high, low, rest, decimals)
    if units is None:
        return None
    rounded = (2 * abs(units) * 10 ** (wanted - decimals) + count) // (2 * count)
    return wide(Decimal(f"{rounded if units >= 0 else -rounded}E-{wanted}"))


def _narrow(key: str | None, decimals: int) -> str | None:
    """Write a number with so many decimals, as `str(Decimal)` does."""
    if key is None:
        return None
    text = f"{narrow(key):.{decimals}f}"
    return text if decimals <= 6 else str(Decimal(text))


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "onetrip_narrow": (2, _narrow),
    "onetrip_wide": (4, _wide),
    "onetrip_wide_mean": (6, _mean),
}
"""Name → number of arguments and function."""
