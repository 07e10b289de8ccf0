"""Is the system itself well: packages, reboot?"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from silvernode.doctor.finding import Finding, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.layout import Layout

CHECK = "system"
STALE_DAYS = 7
LISTED = 5

# Ubuntu: noble-security; Debian: bookworm-security, label Debian-Security.
SECURITY = "security"


def check(patient: Patient) -> Iterator[Finding]:
    """Look for a reboot that is due, for security updates, and for old lists of packages."""
    root = patient.layout.root
    reboot = list(_reboot(root, patient.node))
    updates = list(_updates(patient.node))
    age = list(_age_of_lists(root))
    yield from reboot or [ok(CHECK, "no reboot is due")]
    yield from updates or [ok(CHECK, "no security update is waiting")]
    yield from age


def release(layout: Layout) -> str:
    """Return the digest of what the node was set up from; empty if that never came to its end."""
    try:
        return str(json.loads((layout.etc / "release.json").read_bytes())["digest"])
    except (FileNotFoundError, ValueError, KeyError):
        return ""


def _reboot(root: Path, node: str) -> Iterator[Finding]:
    """Source: Debian Policy 9.11 has no word for it; update-notifier and unattended-upgrades do."""
    if not (root / "run/reboot-required").exists():
        return
    packages = root / "run/reboot-required.pkgs"
    names = sorted(set(packages.read_text().split())) if packages.exists() else []
    why = f" for {', '.join(names[:LISTED])}" if names else ""
    yield wrong(
        CHECK,
        f"a reboot is due{why}",
        f"on the node: systemctl reboot ({node} serves again within a minute)",
    )


def _updates(node: str) -> Iterator[Finding]:
    """Look at what apt's lists offer. python3-apt is there: Ansible's module `apt` needs it."""
    import apt  # type: ignore[import-not-found]

    waiting = sorted(
        package.name
        for package in apt.Cache()
        if package.is_installed and any(map(_is_security, _newer(package)))
    )
    if waiting:
        more = f" and {len(waiting) - LISTED} more" if len(waiting) > LISTED else ""
        yield wrong(
            CHECK,
            f"security updates are waiting: {', '.join(waiting[:LISTED])}{more}",
            "on the node: apt-get upgrade (or install unattended-upgrades)",
        )


def _newer(package: Any) -> Iterator[Any]:
    """Return all versions that are newer than the installed one: the newest may be another's."""
    return (each for each in package.versions if each > package.installed)


def _is_security(version: Any) -> bool:
    origins = version.origins
    return any(SECURITY in f"{each.archive} {each.label}".lower() for each in origins)


def _age_of_lists(root: Path) -> Iterator[Finding]:
    lists = root / "var/lib/apt/lists"
    newest = max((path.stat().st_mtime for path in lists.glob("*Release")), default=0.0)
    days = (time.time() - max(newest, lists.stat().st_mtime)) / 86400
    if days > STALE_DAYS:
        yield wrong(
            CHECK,
            f"apt has not looked for updates for {days:.0f} days",
            "on the node: systemctl enable --now apt-daily.timer; apt-get update",
        )
