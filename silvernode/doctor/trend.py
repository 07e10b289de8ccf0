"""How a node's disk and memory have changed: a line an hour, for a month."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression

from silvernode import atomic
from silvernode.layout import Layout

KEPT = 31 * 24
"""Samples: of a month, if one is taken every hour."""

DAY = 24 * 3600.0
ENOUGH_DAYS = 1.0
"""That samples have to span before anything is concluded from them."""


@dataclass(frozen=True)
class Sample:
    """What was measured at one time.

    Attributes:
        at: seconds since 1970.
        disk_used: bytes used of the file system of the apps and their data.
        memory_available: bytes that programs could have without swapping (proc(5), `MemAvailable`).
    """

    at: float
    disk_used: float
    memory_available: float


def take(layout: Layout) -> Sample:
    """Measure, and keep what was measured."""
    sample = measure(layout)
    kept = [*load(layout), sample][-KEPT:]
    lines = "".join(json.dumps(asdict(each)) + "\n" for each in kept)
    atomic.write(path(layout), lines)
    return sample


def measure(layout: Layout) -> Sample:
    """Measure only."""
    return Sample(time.time(), shutil.disk_usage(layout.state).used, memory()["MemAvailable"])


def load(layout: Layout) -> list[Sample]:
    """Return the samples, the oldest first; those that cannot be read are left out."""
    try:
        lines = path(layout).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    samples = []
    for line in lines:
        try:
            samples.append(Sample(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return samples


def per_day(samples: Sequence[Sample], name: str) -> float | None:
    """Return the growth of a value in a day, or None if there are too few samples to tell.

    Args:
        samples: the oldest first.
        name: an attribute of them.
    """
    if not samples or samples[-1].at - samples[0].at < ENOUGH_DAYS * DAY:
        return None
    times = [each.at for each in samples]
    return linear_regression(times, [getattr(each, name) for each in samples]).slope * DAY


def memory() -> dict[str, int]:
    """Return what the kernel says of the memory, in bytes."""
    rows = [line.split() for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()]
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if len(row) > 2}


def path(layout: Layout) -> Path:
    """Return the file of the samples."""
    return layout.state / "trend.jsonl"
