"""Keys that are made here and not by a database."""

import secrets
import threading
import time
from uuid import UUID

_RANDOM_BITS = 74  # of which the first, in a new millisecond, is 0: there is room to count
_lock = threading.Lock()
_last = (0, 0)


def uuid7() -> UUID:
    """Make a UUID of version 7: later ones are greater, within a process always, between processes by the millisecond.

    Within one millisecond, and while the clock goes back, the random part is counted up by random steps (RFC 9562,
    section 6.2, method 2).
    """
    global _last
    with _lock:
        moment, tail = _last
        now = time.time_ns() // 1_000_000
        tail += 1 + secrets.randbits(32)
        if now > moment or tail >> _RANDOM_BITS:
            moment, tail = max(now, moment + 1), secrets.randbits(_RANDOM_BITS - 1)
        _last = moment, tail
    low = (1 << 62) - 1
    return UUID(int=moment << 80 | 0x7 << 76 | tail >> 62 << 64 | 0b10 << 62 | tail & low)
