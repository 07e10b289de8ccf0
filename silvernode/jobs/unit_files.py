"""The units of an app's jobs, as text."""

import re
from pathlib import Path
from string import Template

from silvernode import executables, instances, units
from silvernode.errors import NodeError
from silvernode.jobs.job import CRON, OURS, Job
from silvernode.layout import Layout
from silvernode.settings import Settings

RESTART_SECONDS = 5
"""After which a worker that has ended is started again."""

HEAD = """\
# Made by silver-node: changes made here are lost. Limits and sandbox: ../$sandbox
[Unit]
Description=Silver Lining: $title of $app
"""
SERVICE = Template(
    f"""\
{HEAD}After=network.target postgresql.service $server
# A timer may start it each second, and a worker is started again for ever.
StartLimitIntervalSec=0

[Service]
Type=exec
$properties
ExecStart=$command
# What it has to end is for its main process to say.
KillMode=mixed
$more"""
)
TIMER = Template(
    f"""\
{HEAD}
[Timer]
OnCalendar=$schedule
AccuracySec=1s
# What was missed while the node was down is made up for, once.
Persistent=true

[Install]
WantedBy=timers.target
"""
)
OF_WORKER = f"""\
Restart=always
RestartSec={RESTART_SECONDS}

[Install]
WantedBy=multi-user.target
"""


def texts(layout: Layout, job: Job, settings: Settings) -> dict[str, str]:
    """Return the text of each unit of a job, by the unit's name.

    Raises:
        NodeError: there is nothing to run.
    """
    names = {"sandbox": units.SANDBOX, "title": job.title, "app": job.app}
    service = SERVICE.substitute(
        **names,
        server=units.unit(job.instance),
        properties="\n".join([*_common(layout, job), *properties(layout, job)]),
        command=_words([*command(job, settings), *job.program(layout)]),
        more=f"RuntimeMaxSec={settings.cron_timeout}\n" if job.kind == CRON else OF_WORKER,
    )
    if job.kind != CRON:
        return {job.unit: service}
    return {job.unit: service, job.timer: TIMER.substitute(**names, schedule=job.schedule)}


def properties(layout: Layout, job: Job) -> list[str]:
    """Return what is a job's own in any unit in which it runs, as lines of that."""
    lines = [
        f"StateDirectory=silverlining/jobs/{job.app}",
        "StateDirectoryMode=0700",
        "ExecStopPost=" + _words([*OURS, "silversupport.job", "ended", job.title]),
    ]
    if job.command.startswith("/"):
        lines.append(f"IPAddressAllow={_address(layout, job.instance)}")
    return lines


def command(job: Job, settings: Settings, *options: str) -> list[str]:
    """Return the beginning of the command that runs a job's program with its output in the log."""
    stop = ["--stop", str(settings.job_stop_timeout)]
    return [*OURS, "silversupport.job", "run", *stop, *options, job.title, "--"]


def of_app(layout: Layout, app: str) -> set[str]:
    """Return the names of the units that an app's jobs have or had."""
    kinds = [f"silver-cron-{app}-*.service", f"silver-cron-{app}-*.timer"]
    kinds.append(f"silver-worker-{app}-*.service")
    return {path.name for kind in kinds for path in layout.units.glob(kind)}


def apps(layout: Layout) -> set[str]:
    """Return the apps that have units of jobs."""
    found = (re.fullmatch(r"silver-(cron|worker)-([a-z0-9_]+)-.*", each.name)
             for each in layout.units.glob("silver-*-*"))  # fmt: skip
    return {each[2] for each in found if each}


def stamp(layout: Layout, timer: str) -> Path:
    """Return the file whose time is when a timer was due last: systemd.timer(5), Persistent=."""
    return layout.root / "var/lib/systemd/timers" / f"stamp-{timer}"


def _common(layout: Layout, job: Job) -> list[str]:
    """Return what a job has in common with every script of an app, see silvernode.scripts."""
    return [
        *units.properties(layout, job.app, job.instance),
        f"Environment=PATH={executables.search_path(layout.www / job.instance)}",
        # What is printed is in the log at once.
        "Environment=PYTHONUNBUFFERED=1",
    ]


def _address(layout: Layout, instance: str) -> str:
    record = instances.load(layout, instance)
    if not record:
        raise NodeError(f"there is no instance {instance}")
    return record.address


def _words(command: list[str]) -> str:
    """Return a command as a unit has it: systemd.service(5), "Command lines"."""
    return " ".join(f'"{_escaped(word)}"' for word in command)


def _escaped(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace('"', '\\"')
    return quoted.replace("%", "%%").replace("$", "$$")
