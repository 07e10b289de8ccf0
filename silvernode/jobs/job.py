"""A job of an app, and which instance of the app has its jobs."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from silvernode import executables, instances
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing.registry import Registry

CRON = "cron"
WORKER = "worker"
SCRIPT = "script:"

OURS = (executables.PYTHON, "-P", "-S", "-m")
"""Runs a module of silversupport: with no path of the app's, and none of its code."""

_CRON = re.compile(r"(?P<schedule>\S.*?)\s+(?P<command>(script:|/).*)")


@dataclass(frozen=True)
class Job:
    """A job of an instance.

    Attributes:
        instance: whose it is.
        kind: `cron` or `worker`.
        name: what follows that in app.ini.
        command: `script:PATH ARGS`, or the URL path of a request.
        schedule: a calendar expression of systemd; empty for a worker.
    """

    instance: str
    kind: str
    name: str
    command: str
    schedule: str = ""

    @property
    def app(self) -> str:
        """The app's name."""
        return self.instance.partition(".")[0]

    @property
    def title(self) -> str:
        """What it is called in app.ini."""
        return f"{self.kind}.{self.name}"

    @property
    def unit(self) -> str:
        """Its service. An app's name has no `-`, so that no two are the same."""
        return f"silver-{self.kind}-{self.app}-{self.name}.service"

    @property
    def timer(self) -> str:
        """What starts it, if it is a cron job."""
        return self.unit.removesuffix(".service") + ".timer"

    def program(self, layout: Layout) -> list[str]:
        """Return the command that it runs.

        Raises:
            NotFound, NotExecutable: there is nothing to run.
        """
        if not self.command.startswith(SCRIPT):
            return [*OURS, "silversupport.job_request", self.name, self.command]
        script, *arguments = shlex.split(self.command.removeprefix(SCRIPT))
        return [*executables.find(layout.www / self.instance, script), *arguments]


def of_record(record: Record) -> list[Job]:
    """Return the jobs that an instance has; none where another node of its set has them."""
    if not record.leader:
        return []
    crons = [
        Job(record.instance, CRON, name, command, schedule)
        for name, (schedule, command) in schedules(record.plan).items()
    ]
    workers = record.plan.get("workers", {}).items()
    return [*crons, *(Job(record.instance, WORKER, name, line) for name, line in workers)]


def schedules(plan: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return schedule and command of the cron jobs of a plan, by name."""
    found = {name: _CRON.fullmatch(line) for name, line in plan.get("crons", {}).items()}
    return {name: (each["schedule"], each["command"]) for name, each in found.items() if each}


def of_app(layout: Layout, routes: Registry, app: str) -> list[Job]:
    """Return the jobs that an app is to have: those of one instance, that of its main location.

    Raises:
        NodeError: its record is damaged.
    """
    instance = _main(layout, routes, app)
    record = instances.load(layout, instance) if instance else None
    return of_record(record) if record else []


def find(layout: Layout, instance: str, name: str) -> Job:
    """Return a cron job of an instance.

    Raises:
        NodeError: it has no such one; names those that it has.
    """
    record = instances.load(layout, instance)
    jobs = {job.name: job for job in of_record(record)} if record else {}
    crons = {name: job for name, job in jobs.items() if job.kind == CRON}
    if name in crons:
        return crons[name]
    there = f"there is {', '.join(sorted(crons))}" if crons else "it has none"
    raise NodeError(f"{instance} has no cron.{name} in its app.ini; {there}")


def _main(layout: Layout, routes: Registry, app: str) -> str:
    """Return the instance at the app's main location; an empty string if it has no location."""
    own = {name: route.instance for name, route in routes.locations.items() if route.app == app}
    for location, instance in sorted(own.items()):
        if location == _default_location(layout, instance):
            return instance
    return own[min(own, key=lambda name: (len(name), name))] if own else ""


def _default_location(layout: Layout, instance: str) -> str | None:
    record = instances.load(layout, instance)
    return record.plan.get("default_location") if record else None


def check(layout: Layout, record: Record) -> None:
    """Check that the jobs of an instance have something to run.

    Raises:
        NodeError: some have not; tells of all of them.
    """
    if found := list(_problems(layout, record)):
        raise NodeError("\n".join(found))


def _problems(layout: Layout, record: Record) -> Iterator[str]:
    for job in of_record(record):
        try:
            job.program(layout)
        except NodeError as error:
            yield f"{job.title}: {error}"
