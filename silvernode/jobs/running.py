"""What runs of an app's jobs, as systemd and the processes tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from silvernode.programs import run

PROPERTIES = "Id,ActiveState,SubState,MainPID,NRestarts,NeedDaemonReload,ExecMainStatus"
AUTO_RESTART = "auto-restart"
"""The substate of a worker that has ended, and is started again in a while."""

INSTANCE = b"SILVER_INSTANCE_NAME="


@dataclass(frozen=True)
class Unit:
    """A unit, as systemd sees it now.

    Attributes:
        name: its name.
        state: `active`, `inactive`, `activating`, `deactivating`, `failed`.
        substate: more of it, such as `running`, `auto-restart`, `stop-sigterm`.
        process: its main process; 0 if it has none.
        restarts: how often it was started again because it had ended.
        is_stale: systemd has not read its file since that changed.
        status: the exit status of its last main process.
    """

    name: str
    state: str
    substate: str
    process: int
    restarts: int
    is_stale: bool
    status: int

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it runs, or will run by itself."""
        return self.state in ("inactive", "failed")

    @property
    def instance(self) -> str:
        """The instance whose files its main process uses; empty if it has none."""
        return _instance(self.process) if self.process else ""


def show(names: Iterable[str]) -> dict[str, Unit]:
    """Return what systemd knows of units, by name; of patterns, those that it has loaded."""
    shown = run("systemctl", "show", f"--property={PROPERTIES}", "--", *names, check=False).stdout
    found = {}
    for block in shown.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in values:
            found[values["Id"]] = _unit(values)
    return found


def in_use(app: str) -> set[str]:
    """Return the instances of an app whose files a job or a script uses that runs now.

    A cron job that is under way at a switch ends with the files that it began with.
    """
    kinds = ("cron", "worker", "script")
    found = show(f"silver-{kind}-{app}-*.service" for kind in kinds)
    return {unit.instance for unit in found.values() if unit.instance}


def _unit(values: dict[str, str]) -> Unit:
    return Unit(
        name=values["Id"],
        state=values.get("ActiveState", ""),
        substate=values.get("SubState", ""),
        process=_number(values.get("MainPID", "")),
        restarts=_number(values.get("NRestarts", "")),
        is_stale=values.get("NeedDaemonReload") == "yes",
        status=_number(values.get("ExecMainStatus", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _instance(process: int) -> str:
    try:
        variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""  # It has just ended.
    found = [each.removeprefix(INSTANCE) for each in variables if each.startswith(INSTANCE)]
    return found[0].decode() if found else ""
