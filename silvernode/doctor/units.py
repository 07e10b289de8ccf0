"""Do the programs run that have to?"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from silvernode import units
from silvernode.data import services
from silvernode.doctor.finding import Finding, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.programs import run

CHECK = "units"
SERVERS = ("varnish.service", "ssh.service")
OFF = "failed"


def check(patient: Patient) -> Iterator[Finding]:
    """Look at servers, services and active instances, and at whatever has failed."""
    states = _states()
    wanted = [*SERVERS, *_of_services(patient), *map(units.unit, patient.active)]
    missing = [name for name in wanted if not _runs(name, states)]
    for name in missing:
        yield wrong(
            CHECK,
            f"{name} does not run",
            f"on the node: systemctl status {name}; journalctl -u {name}",
        )
    for name in sorted(name for name, state in states.items() if state == OFF):
        if not any(fnmatchcase(name, pattern) for pattern in missing):
            yield wrong(
                CHECK,
                f"{name} has failed",
                f"on the node: journalctl -u {name}; when it is mended:"
                f" systemctl reset-failed {name}",
            )
    if not missing:
        yield ok(CHECK, f"{len(wanted)} run, {len(patient.active)} of them apps")


def _of_services(patient: Patient) -> list[str]:
    """Return the units of the services that the apps use, as patterns."""
    apps = {route.app for route in patient.routes.locations.values()}
    used = {
        name: service
        for app in sorted(apps)
        for name, service in services.of_app(patient.layout, app).items()
    }
    return [unit for _, service in sorted(used.items()) for unit in service.units]


def _states() -> dict[str, str]:
    """Return the state of every unit that systemd has loaded."""
    listed = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--full").stdout
    rows = [line.split(None, 4) for line in listed.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def _runs(pattern: str, states: dict[str, str]) -> bool:
    found = [state for name, state in states.items() if fnmatchcase(name, pattern)]
    return bool(found) and all(state in ("active", "activating", "reloading") for state in found)
