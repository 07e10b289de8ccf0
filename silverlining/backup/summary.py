"""What is in an archive, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.filesize import decimal

from silverbackup.manifest import Manifest


def services(manifest: Manifest) -> str:
    """Return what the services have in an archive: `postgis 3 tables with 120 rows, files 2`."""
    told = [f"{name}: {_facts(each['facts'])}" for name, each in manifest.services.items()]
    return "; ".join(told) or "no services"


def moment(created: str) -> str:
    """Return when an archive was made, in this machine's time."""
    return f"{datetime.fromisoformat(created).astimezone():%Y-%m-%d %H:%M:%S}"


def lines(manifest: Manifest) -> list[tuple[str, str]]:
    """Return what an archive says of itself, as labels and texts."""
    versions = ", ".join(f"{name} {each}" for name, each in sorted(manifest.versions.items()))
    return [
        ("app", f"{manifest.app} ({manifest.instance})"),
        ("location", f"{manifest.location} on {manifest.node}"),
        ("made", f"{moment(manifest.created)} by Silver Lining {manifest.version}"),
        *((name, _facts(each["facts"])) for name, each in manifest.services.items()),
        ("config", manifest.config or "none"),
        ("versions", versions or "none"),
        ("size", f"{decimal(manifest.packed_bytes)} in {len(manifest.members)} files"),
    ]


def _facts(facts: Mapping[str, Any]) -> str:
    told = []
    if isinstance(tables := facts.get("tables"), dict):
        told.append(f"{_count(len(tables), 'table')}, {_count(sum(tables.values()), 'row')}")
    if isinstance(entries := facts.get("entries"), int):
        size = decimal(int(facts.get("bytes", 0)))
        told.append(f"{entries:,} files and directories, {size}")
    if facts.get("large_objects"):
        told.append(_count(facts["large_objects"], "large object"))
    return ", ".join(told) or "nothing counted"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
