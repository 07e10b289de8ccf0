"""The jobs of an app follow its active instance.

At a switch a timer goes on, and starts the new instance's job from then on: a run that is under way
ends as it began, and no other begins before. A worker is told to end, and when it has, the new
instance's is started; systemd does that in the background.
"""

import os
import time

from silvernode import atomic, locks, units
from silvernode import settings as node_settings
from silvernode.errors import NodeError
from silvernode.jobs import job as jobs
from silvernode.jobs import running, schedules, unit_files, watching
from silvernode.jobs.job import CRON, WORKER, Job
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing import registry
from silvernode.settings import Settings

POLL_SECONDS = 0.1
TIMER = ".timer"


def follow(layout: Layout, app: str) -> list[str]:
    """Have the jobs of an app be those that the registry says, and none else.

    To be called under the app's lock, after every change of its locations; safe to repeat.

    Returns:
        What could not be done, and which workers ended at once: what is done stays done.
    """
    try:
        wanted = jobs.of_app(layout, registry.load(layout), app)
        if not wanted and not unit_files.of_app(layout, app):
            return []
        return _follow(layout, app, wanted, node_settings.load(layout))
    except (NodeError, OSError) as error:
        return [f"the jobs of {app} could not be brought up to date: {error}"]


def follow_all(layout: Layout) -> list[str]:
    """Do that for every app, but for those that a command changes now: it does so itself."""
    routes = registry.load(layout)
    apps = {route.app for route in routes.locations.values()} | unit_files.apps(layout)
    warnings = []
    for app in sorted(apps):
        try:
            with locks.of_app(layout, app, "silver-node", "bringing its jobs up to date"):
                warnings += follow(layout, app)
        except NodeError:
            continue
    return warnings


def pause(layout: Layout, app: str) -> None:
    """Stop the jobs of an app until the next `follow`; to be called under the app's lock.

    Workers are told to end, a cron job that is under way may go on; both are waited for.

    Raises:
        NodeError: one of them did not end in time, and all of them go on.
    """
    names = unit_files.of_app(layout, app)
    services = sorted(name for name in names if not name.endswith(TIMER))
    if not names:
        return
    _systemctl("stop", *(name for name in names if name.endswith(TIMER)))
    _systemctl("stop", "--no-block", *(name for name in services if f"-{WORKER}-" in name))
    deadline = time.monotonic() + node_settings.load(layout).job_stop_timeout
    while busy := [unit for unit in running.show(services).values() if not unit.is_idle]:
        if time.monotonic() > deadline:
            follow(layout, app)
            what = ", ".join(_title(unit.name, app) for unit in busy)
            raise NodeError(
                f"{what} of {app} did not end (role variable app_job_stop_timeout); wait for it,"
                " and try again"
            )
        time.sleep(POLL_SECONDS)


def _follow(layout: Layout, app: str, wanted: list[Job], settings: Settings) -> list[str]:
    usable, warnings = _usable(layout, wanted, settings)
    texts = {name: text for found in usable.values() for name, text in found.items()}
    _drop(layout, unit_files.of_app(layout, app) - texts.keys(), settings)
    changed = {name for name, text in texts.items() if atomic.write(layout.units / name, text)}
    if not texts:
        _systemctl("daemon-reload")
        return warnings
    if changed or any(unit.is_stale for unit in running.show(texts).values()):
        _systemctl("daemon-reload")
    _systemctl("enable", "--quiet", "--no-reload", *_startable(texts))
    _start_timers(layout, [name for name in texts if name.endswith(TIMER)], changed)
    started = _start_workers([job for job in usable if job.kind == WORKER])
    return [*warnings, *watching.problems(layout, started)]


def _usable(
    layout: Layout, wanted: list[Job], settings: Settings
) -> tuple[dict[Job, dict[str, str]], list[str]]:
    """Return the texts of the units of each job that can be run, and what is wrong with others."""
    usable, warnings = {}, []
    for job in wanted:
        wrong = schedules.problem(job.schedule) if job.kind == CRON else ""
        try:
            texts = unit_files.texts(layout, job, settings)
        except NodeError as error:
            wrong = wrong or str(error)
        if wrong:
            warnings.append(f"{job.title} of {job.instance} is not carried out: {wrong}")
        else:
            usable[job] = texts
    return usable, warnings


def _drop(layout: Layout, names: set[str], settings: Settings) -> None:
    """Remove units. What still runs needs its own until it ends: a later `follow` removes it."""
    timers = [name for name in names if name.endswith(TIMER)]
    _systemctl("disable", "--quiet", "--no-reload", "--now", *timers)
    workers = [name for name in names if f"-{WORKER}-" in name]
    _systemctl("disable", "--quiet", "--no-reload", *workers)
    _systemctl("stop", "--no-block", *workers)
    for timer in timers:
        unit_files.stamp(layout, timer).unlink(missing_ok=True)
        atomic.remove(layout.units / timer)
    services = names.difference(timers)
    known = running.show(services) if services else {}
    for name in services:
        if name not in known or known[name].is_idle:
            atomic.remove(layout.units / name)
            _systemctl("reset-failed", name, check=False)
    left = {unit.instance for name, unit in known.items() if (layout.units / name).exists()}
    for instance in left - {""}:
        units.rest_later(instance, settings.cron_timeout + settings.job_stop_timeout)


def _start_timers(layout: Layout, timers: list[str], changed: set[str]) -> None:
    """Start timers. One whose schedule has changed does not make up for what it never had."""
    for timer in changed.intersection(timers):
        stamp = unit_files.stamp(layout, timer)
        if stamp.exists():
            os.utime(stamp)
    _systemctl("restart", *sorted(changed.intersection(timers)))
    _systemctl("start", *timers)


def _start_workers(workers: list[Job]) -> list[Job]:
    """Have workers be those of their instance; return those that are not so already."""
    known = running.show(job.unit for job in workers) if workers else {}
    others = [
        job for job in workers if job.unit not in known or known[job.unit].instance != job.instance
    ]
    _systemctl("restart", "--no-block", *(job.unit for job in others))
    return others


def _startable(names: dict[str, str]) -> list[str]:
    """Return the units that start at boot: a cron job's service is started by its timer."""
    return [name for name in names if name.endswith(TIMER) or f"-{WORKER}-" in name]


def _systemctl(command: str, *arguments: str, check: bool = True) -> None:
    """Run systemctl, unless it is to do something with no units."""
    if command == "daemon-reload" or any(not each.startswith("-") for each in arguments):
        run("systemctl", command, *arguments, check=check)


def _title(unit: str, app: str) -> str:
    kind, _, name = unit.removeprefix("silver-").removesuffix(".service").partition(f"-{app}-")
    return f"{kind}.{name}"
