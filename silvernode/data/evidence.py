"""Evidence that an app cannot have written anything since a moment, but for an update under way.

The running instances and the update have the same database role, so the database cannot tell their
writes apart. But an app writes only where its code runs, and this is known of all of its code:

- requests: each process counts those that it was handed and has answered (`silversupport.traffic`).
  What Varnish or Apache answers by itself, from its cache or a file, is not among them;
- workers, cron jobs and the instances themselves: systemd gives each start of a unit another id;
- scripts of `silver run`: `noted` is called around each.

Whatever ran at the moment, ran since then or cannot be told of counts as a write. A thread of the
app that works by itself, without a request, is not seen.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from silvernode import instances
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.programs import run
from silversupport import traffic

BOOT = Path("/proc/sys/kernel/random/boot_id")
RUNNING = ("active", "activating", "deactivating", "reloading")
SHOWN = ("Id", "User", "InvocationID", "ActiveState")
JOB = re.compile("silver-(cron|worker|script)-")


@dataclass(frozen=True)
class Evidence:
    """What tells of an app's work at a moment, plain data for JSON.

    Attributes:
        requests: for each process of a running instance, its count of requests.
        starts: for each unit of the app, the id of its last start.
        scripts: when a script of `silver run` began or ended last.
        busy: what was at work, in words.
        answering: the instances that were answering requests.
        boot: the id of the node's last start.
    """

    requests: dict[str, list[int]] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    scripts: int = 0
    busy: list[str] = field(default_factory=list)
    answering: list[str] = field(default_factory=list)
    boot: str = ""

    def since(self, before: "Evidence") -> str:
        """Return what of the app has been at work since an earlier moment; empty if nothing."""
        for moment in (before, self):
            if moment.busy:
                return moment.busy[0]
            if moment.answering:
                return f"{moment.answering[0]} was answering requests"
        if self.boot != before.boot:
            return "the node was started again"
        # A process that is new, and was handed nothing, has only taken the place of another.
        new = self.requests.keys() - before.requests.keys()
        begun = {name: counts for name, counts in self.requests.items() if name not in new}
        if begun != before.requests or any(self.requests[name][1] for name in new):
            return "it was asked by visitors"
        for unit, start in self.starts.items():
            if before.starts.get(unit) != start:
                return f"{unit} has run"
        return "a script of silver run has run" if self.scripts != before.scripts else ""

    def since_boot(self, before: "Evidence") -> str:
        """Return what has been at work since the node was started; empty if nothing.

        Args:
            before: the evidence of an earlier moment, since which visitors were kept out until the
                node's power went off, and jobs were paused.
        """
        for moment in (before, self):
            answering = (f"{name} was answering requests" for name in moment.answering)
            for why in (*moment.busy, *answering):
                return why
        if any(begun for _, begun, _ in self.requests.values()):
            return "it was asked by visitors"
        for unit in self.starts:
            if JOB.match(unit):
                return f"{unit} has run"
        return "a script of silver run has run" if self.scripts != before.scripts else ""


def gather(layout: Layout, app: str, but: str) -> Evidence:
    """Return the evidence of this moment.

    Args:
        layout: the node's paths.
        app: the app's name.
        but: the instance on trial, whose work does not count.
    """
    found = Evidence(scripts=_note(layout, app), boot=BOOT.read_text().strip())
    for directory in sorted(layout.run(app).parent.glob(f"{app}.*")):
        if directory.name != but and instances.NAME.fullmatch(directory.name):
            _gather_requests(directory, found)
    found.starts.update(_units(app, but, found.busy))
    return found


@contextmanager
def noted(layout: Layout, app: str) -> Iterator[None]:
    """Note that a script of an app runs which is no part of an update."""
    _touch(layout, app)
    try:
        yield
    finally:
        _touch(layout, app)


def _touch(layout: Layout, app: str) -> None:
    path = _note_path(layout, app)
    layout.checkpoints.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    with path.open("ab") as file:
        os.utime(file.fileno())
        os.fsync(file.fileno())  # A power failure must not take it: what the script wrote stays.


def _note_path(layout: Layout, app: str) -> Path:
    return layout.checkpoints / app / "ran"


def _note(layout: Layout, app: str) -> int:
    try:
        return _note_path(layout, app).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _gather_requests(directory: Path, found: Evidence) -> None:
    """Add the counts of an instance's processes.

    Those that are gone count too: what one did before it ended has changed its file.
    """
    known = _names(directory / traffic.DIRECTORY)
    if (_names(directory / "started") | _names(directory / "starting")) - known:
        found.busy.append(f"{directory.name} does not count its requests")
    for name in sorted(known):
        try:
            inode, begun, ended = _counts(directory / traffic.DIRECTORY / name)
        except (OSError, NodeError) as error:
            found.busy.append(f"the requests of {directory.name} cannot be told ({error})")
            continue
        found.requests[f"{directory.name}/{name}"] = [inode, begun, ended]
        if begun != ended and Path("/proc", name).exists():
            found.answering.append(directory.name)


def _names(directory: Path) -> set[str]:
    return {path.name for path in directory.glob("*")}


def _counts(path: Path) -> tuple[int, int, int]:
    """Read a process's counts: it may put anything in their place, a link or a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, traffic.COUNTS.size)
        if len(data) != traffic.COUNTS.size:
            raise NodeError(f"{path} is damaged")
        begun, ended = traffic.COUNTS.unpack(data)
        return os.fstat(descriptor).st_ino, begun, ended
    finally:
        os.close(descriptor)


def _units(app: str, but: str, busy: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the units of an app that were ever started, with the id of their last start."""
    trial = "silver-{}@{}.service".format(*but.split(".")) if but else ""
    for shown in _shown():
        name, start = shown.get("Id", ""), shown.get("InvocationID", "")
        if shown.get("User") != f"silver-{app}" or name == trial or not start:
            continue
        yield name, start
        if shown["ActiveState"] in RUNNING and not name.startswith(f"silver-{app}@"):
            busy.append(f"{name} was running")


def _shown() -> Iterator[Mapping[str, str]]:
    options = [f"--property={name}" for name in SHOWN]
    text = run("systemctl", "show", *options, "silver-*").stdout
    for block in text.split("\n\n"):
        yield dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
