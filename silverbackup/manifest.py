"""The first member of every archive: what is in it, of which app, and from when."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from silverbackup.errors import BackupError

FORMAT = 1
SUFFIX = ".tar.age"

_APP = r"[a-z][a-z0-9_]{0,23}"
_SERVICE = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(rf"(?P<app>{_APP})-(?P<created>\d{{8}}T\d{{6}}Z)\.tar\.age")
_STAMP = "%Y%m%dT%H%M%SZ"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        app: the app's name.
        location: where it was served, `HOST[/PATH]`.
        node: the node that it was taken on.
        instance: the instance that was active.
        created: when the backup began, ISO 8601, UTC.
        version: the Silver Lining that made it.
        versions: those of what the services run on, such as `{"postgresql": "17.6"}`.
        plan: what the instance's `app.ini` said.
        services: for each service its `facts` (see `silvernode.data.service`) and `bytes`, the room
            that its data took.
        members: for each file of the archive its `bytes` and `sha256`.
        config: where the deployment configuration comes from, as in `silvernode.instances.Record`.
        format: of the archive.
    """

    app: str
    location: str
    node: str
    instance: str
    created: str
    version: str
    plan: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    config: str = ""
    format: int = FORMAT

    @property
    def name(self) -> str:
        """The archive's name: `APP-20261123T031944Z.tar.age`."""
        return archive_name(self.app, datetime.fromisoformat(self.created))

    @property
    def packed_bytes(self) -> int:
        """The size of the archive's files together, in bytes."""
        return sum(int(member["bytes"]) for member in self.members.values())

    @property
    def unpacked_bytes(self) -> int:
        """The room that the services' data took when it was taken, in bytes."""
        return sum(int(service.get("bytes", 0)) for service in self.services.values())

    def to_json(self) -> bytes:
        """Return it as it stands in an archive."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"


def parse(data: bytes) -> Manifest:
    """Return a manifest.

    Raises:
        BackupError: it is none, or one of a later version.
    """
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            raise BackupError(
                f"the archive has format {found['format']}, this version reads {FORMAT};"
                " use the Silver Lining that made it, or a newer one"
            )
        manifest = Manifest(**found)
        _check(manifest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"the archive's manifest is damaged ({error!r})") from error
    return manifest


def archive_name(app: str, created: datetime) -> str:
    """Return the name of an app's archive."""
    return f"{app}-{created.astimezone(UTC).strftime(_STAMP)}{SUFFIX}"


def parse_name(name: str) -> tuple[str, datetime] | None:
    """Return the app of an archive and when it was made, or None if it is no archive's name."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    try:
        return found["app"], datetime.strptime(found["created"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _check(manifest: Manifest) -> None:
    """Check the types of what is going to be relied on, and names that become those of files."""
    datetime.fromisoformat(manifest.created)
    for name in ("app", "location", "node", "instance", "version", "config"):
        if not isinstance(getattr(manifest, name), str):
            raise TypeError(name)
    if not re.fullmatch(_APP, manifest.app):
        raise ValueError("app")
    if not isinstance(manifest.plan, dict):
        raise TypeError("plan")
    for name, service in manifest.services.items():
        _check_service(name, service)
    for path, member in manifest.members.items():
        _check_member(path, member)


def _check_service(name: str, service: Mapping[str, Any]) -> None:
    if not _SERVICE.fullmatch(name):
        raise ValueError(name)
    if not isinstance(service["facts"], dict) or int(service.get("bytes", 0)) < 0:
        raise TypeError("services")


def _check_member(path: str, member: Mapping[str, Any]) -> None:
    if not isinstance(member["bytes"], int) or member["bytes"] < 0:
        raise ValueError(path)
    if not _SHA256.fullmatch(member["sha256"]):
        raise ValueError(path)
