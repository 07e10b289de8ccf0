"""Is there enough disk and memory, and for how long?"""

import os
import shutil
from collections.abc import Iterator

from silvernode.doctor import trend
from silvernode.doctor.finding import Finding, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.programs import run

DISK, MEMORY = "disk", "memory"
FULL = 0.9
SOON_DAYS = 14
SCARCE = 0.05
GIB = 2**30
KILLED_SINCE = "-1d"


def disk(patient: Patient) -> Iterator[Finding]:
    """Look at room, names of files, and when there will be no room any more."""
    place = patient.layout.state
    total, used, free = shutil.disk_usage(place)
    file_system = os.statvfs(place)
    mend = f"./silver query {patient.node} --disk; ./silver clean-node {patient.node}"
    text = f"{used / (used + free):.0%} full, {free / GIB:.1f} GiB of {total / GIB:.1f} free"
    growth = trend.per_day(trend.load(patient.layout), "disk_used")
    if used / (used + free) > FULL:
        yield wrong(DISK, text, mend)
    elif growth and free / growth < SOON_DAYS:
        yield wrong(
            DISK, f"{text}; at {growth / GIB:.2f} GiB a day full in {free / growth:.0f} days", mend
        )
    else:
        yield ok(DISK, text + _grows(growth))
    if file_system.f_files and file_system.f_favail / file_system.f_files < 1 - FULL:
        yield wrong(DISK, f"only {file_system.f_favail} more files can be made", mend)


def _grows(growth: float | None) -> str:
    if growth is None:
        return ""  # Of a node that is new, nothing can be told.
    return f"; {growth / GIB:+.2f} GiB a day"


def memory(patient: Patient) -> Iterator[Finding]:
    """Look at what programs can still have, and at what had to be killed for want of it."""
    found = trend.memory()
    available, total = found["MemAvailable"], found["MemTotal"]
    growth = trend.per_day(trend.load(patient.layout), "memory_available")
    text = f"{available / GIB:.1f} of {total / GIB:.1f} GiB available"
    mend = f"who has it: ./silver query {patient.node}; variables app_memory_max, app_processes"
    if available / total < SCARCE:
        yield wrong(MEMORY, text, mend)
    elif growth and growth < 0 and -available / growth < SOON_DAYS:
        yield wrong(
            MEMORY,
            f"{text}; at {growth / GIB:.2f} GiB a day none in {-available / growth:.0f} days",
            mend,
        )
    else:
        yield ok(MEMORY, text)
    killed = _killed()
    if killed:
        yield wrong(MEMORY, f"out of memory within a day: {', '.join(killed)}", mend)


def _killed() -> list[str]:
    """Return the units in which the kernel killed something for want of memory within a day.

    systemd notes it as `Failed with result 'oom-kill'`.
    """
    options = ["--since", KILLED_SINCE, "--no-pager", "--quiet", "--output=cat"]
    lines = run("journalctl", "-t", "systemd", "--grep", "result 'oom-kill'", *options, check=False)
    return sorted({line.partition(":")[0] for line in lines.stdout.splitlines() if ": " in line})
