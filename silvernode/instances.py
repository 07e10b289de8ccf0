"""The instances of an app on this node: names, environment, records."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from silvernode import atomic
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing.locations import canonical_host, split
from silvernode.settings import Settings
from silversupport import VERSION

NAME = re.compile(r"[a-z][a-z0-9_]{0,23}\.\d{8}_\d{3,}")


@dataclass(frozen=True)
class Record:
    """What is kept of an instance beside its environment, enough to rebuild the registry from.

    Attributes:
        instance: its name.
        app: its app.
        address: where its Apache listens.
        uploader: who uploaded it, `user@machine`.
        uploaded: when, ISO 8601.
        plan: what its `app.ini` says, as the laptop checked it.
        configuration: digest of the node's own configuration when it was started.
        active_since: for each location, when it became active there last.
        leader: whether it has the jobs: of a set only the first node has.
        has_served: whether it was served at a location that was taken away since.
        config: where its deployment configuration comes from: `given`, `default` (of the app), or
            empty if it has none.
        revisions: the version-control checkouts in the app when it was uploaded.
        files: how many files it has.
        bytes: their size.
    """

    instance: str
    app: str
    address: str
    uploader: str
    uploaded: str
    plan: dict[str, Any]
    configuration: str
    active_since: dict[str, str] = field(default_factory=dict)
    config: str = ""
    revisions: list[dict[str, Any]] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    has_served: bool = False
    leader: bool = True


def path(layout: Layout, instance: str) -> Path:
    """Return the file of an instance's record."""
    return layout.instances / f"{instance}.json"


def env_path(layout: Layout, instance: str) -> Path:
    """Return the file of an instance's environment."""
    return layout.instances / f"{instance}.env"


def save(layout: Layout, record: Record) -> None:
    """Replace an instance's record."""
    atomic.write_json(path(layout, record.instance), asdict(record), mode=0o600)


def load(layout: Layout, instance: str) -> Record | None:
    """Return an instance's record, or None if there is no such instance.

    Raises:
        NodeError: the record is damaged.
    """
    file = path(layout, instance)
    try:
        return Record(**json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise NodeError(f"{file} is damaged ({error}); move it away and try again") from error


def load_all(layout: Layout) -> list[Record]:
    """Return the records of all instances.

    Raises:
        NodeError: one of them is damaged.
    """
    names = [file.stem for file in sorted(layout.instances.glob("*.json"))]
    records = [load(layout, name) for name in names if NAME.fullmatch(name)]
    return [record for record in records if record]


def on_disk(layout: Layout, app: str) -> list[str]:
    """Return the app's instances of which anything is on the node, the newest first."""
    names = {each.name for each in layout.www.glob(f"{app}.*")}
    names |= {each.stem for each in layout.instances.glob(f"{app}.*.*")}
    return sorted((name for name in names if NAME.fullmatch(name)), key=_age, reverse=True)


def newest(names: Iterable[str]) -> str:
    """Return the newest of an app's instances, or an empty string if there is none."""
    return max(names, key=_age, default="")


def next_name(app: str, existing: Iterable[str], today: datetime) -> str:
    """Return the name of the next instance: `APP.YYYYMMDD_NNN`."""
    prefix = f"{app}.{today:%Y%m%d}_"
    numbers = [int(name.removeprefix(prefix)) for name in existing if name.startswith(prefix)]
    return f"{prefix}{max(numbers, default=0) + 1:03d}"


def environment(
    layout: Layout, record: Record, location: str, settings: Settings
) -> dict[str, str]:
    """Return the variables of every process of an instance, but for those of its services.

    Args:
        layout: the node's paths.
        record: the instance.
        location: where it is going to be served, `HOST[/PATH]`.
        settings: the node's settings.
    """
    app, directory = record.app, layout.www / record.instance
    return {
        "SILVER_VERSION": f"silverlining/{VERSION}",
        "SILVER_APP_NAME": app,
        "SILVER_INSTANCE_NAME": record.instance,
        "SILVER_INSTANCE_DIR": str(directory),
        "SILVER_CANONICAL_HOSTNAME": canonical_host(location),
        "SILVER_APP_CONFIG": str(layout.data("config", app) / record.instance),
        "SILVER_LOGS": str(layout.logs(app)),
        "SILVER_RUN_DIR": str(layout.run(record.instance)),
        "SILVER_RUNNER": record.plan["runner"] or "",
        "SILVER_UPDATE_TOKEN": secrets.token_urlsafe(24),
        "SILVER_ADDRESS": record.address,
        "SILVER_PROCESSES": str(settings.processes),
        "SILVER_THREADS": str(settings.threads),
        # Apache needs a value even where the app did not ask for the service.
        "SILVER_WRITABLE_ROOT": str(layout.data("writable-root", app)),
        "STATIC_URL": f"{split(location)[1]}/",
        "TEMP": str(layout.data("tmp", app)),
        "TMPDIR": str(layout.data("tmp", app)),
        "HOME": str(layout.data("tmp", app)),
        "LANG": "C.UTF-8",
        "PYTHONPATH": "/usr/local/share/silverlining",
    }


def env_text(variables: Mapping[str, str]) -> str:
    """Return variables as systemd reads them (systemd.exec(5), `EnvironmentFile=`)."""
    return "".join(f'{name}="{_escaped(value)}"\n' for name, value in sorted(variables.items()))


def load_env_text(layout: Layout, instance: str) -> str:
    """Return the file of an instance's environment as it is; empty if there is none."""
    try:
        return env_path(layout, instance).read_bytes().decode()
    except FileNotFoundError:
        return ""


def load_environment(layout: Layout, instance: str) -> dict[str, str]:
    """Return the environment with which an instance was started last; empty if it never was."""
    text = load_env_text(layout, instance)
    found = re.finditer(r'^(\w+)="((?:[^"\\]|\\.)*)"$', text, re.MULTILINE | re.DOTALL)
    return {each[1]: re.sub(r"\\(.)", r"\1", each[2], flags=re.DOTALL) for each in found}


def _escaped(value: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", value)


def _age(instance: str) -> tuple[str, int]:
    date, _, number = instance.partition(".")[2].partition("_")
    return date, int(number)
