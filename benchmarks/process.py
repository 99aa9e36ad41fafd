"""What the kernel knows about a process: the CPU time it used and its peak memory. Linux only (`/proc`)."""

import os
from pathlib import Path
from time import clock_gettime

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process, all its threads and all its children, living or ended.

    Living ones are read from their CPU clock, to the nanosecond: `/proc` counts in 10 ms, which summed over a
    database's many processes is an error as large as the figure.
    """
    try:
        own = clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3), which Python does not offer
        ended = sum(map(int, stat(pid)[13:15])) / TICKS  # cutime and cstime
    except OSError:  # a child that has just ended: its parent's next reading includes it
        return 0.0
    return own + ended + sum(map(cpu_seconds, children(pid)))


def stat(pid: int) -> list[str]:
    """Return the fields of `/proc/<pid>/stat` after the name, which may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def children(pid: int) -> list[int]:
    """Return the ids of the living children that any thread of a process has started."""
    return [int(child) for task in Path("/proc").glob(f"{pid}/task/*/children") for child in task.read_text().split()]


def peak_megabytes(pid: int) -> float:
    """Return the largest resident set that a process has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status has no VmHWM line: peak memory cannot be read on this system")
