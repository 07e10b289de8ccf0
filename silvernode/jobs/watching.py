"""Workers that were just told to start: those that end at once are told of."""

import time
from collections.abc import Iterator

from silvernode.jobs import running
from silvernode.jobs.job import Job
from silvernode.jobs.running import AUTO_RESTART
from silvernode.jobs.unit_files import RESTART_SECONDS
from silvernode.layout import Layout
from silvernode.logs import viewer as logs

START_SECONDS = 5.0
"""Within which a worker is expected to start; one whose predecessor takes longer to end is not
waited for."""

WATCH_SECONDS = 3.0
"""How long it has to run to be thought well."""

POLL_SECONDS = 0.1
SHOWN_CHARACTERS = 4000


def problems(layout: Layout, workers: list[Job]) -> Iterator[str]:
    """Watch workers for a moment, and yield what is wrong with them, a text for each."""
    began, now = time.time(), time.monotonic()
    waiting, started = {job.unit: job for job in workers}, dict[str, float]()
    while waiting and time.monotonic() - now < START_SECONDS + WATCH_SECONDS:
        time.sleep(POLL_SECONDS)
        for name, unit in running.show(waiting).items():
            if unit.substate == AUTO_RESTART:
                yield _ended(layout, waiting.pop(name), began)
            elif unit.instance == waiting[name].instance:
                since = started.setdefault(name, time.monotonic())
                if time.monotonic() - since > WATCH_SECONDS:
                    del waiting[name]
    for name in waiting.keys() - started.keys():
        yield (
            f"{waiting[name].title} of {waiting[name].instance} starts when that of the instance"
            " before has ended what it does (see: silver query)"
        )


def _ended(layout: Layout, job: Job, since: float) -> str:
    said = (
        f"{job.title} of {job.instance} ended right after its start; it is started again every"
        f" {RESTART_SECONDS} s (see: silver logs)"
    )
    try:
        written = logs.written(layout, job.instance, since, job.title)
    except (OSError, ValueError):
        return said  # The app may damage its log.
    return f"{said}\n{written[-SHOWN_CHARACTERS:]}".rstrip()
