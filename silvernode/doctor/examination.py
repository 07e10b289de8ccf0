"""One look at the whole node, which changes nothing."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from silvernode import settings as node_settings
from silvernode.doctor import (
    answers,
    backups,
    certificates,
    data,
    finding,
    jobs,
    resources,
    routes,
    system,
    units,
)
from silvernode.doctor.finding import Finding
from silvernode.doctor.patient import Patient
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry
from silversupport import VERSION

Check = Callable[[Patient], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "units": units.check,
    "routes": routes.check,
    "answers": answers.check,
    "disk": resources.disk,
    "memory": resources.memory,
    "backups": backups.check,
    "data": data.check,
    "jobs": jobs.check,
    "system": system.check,
    "certificates": certificates.check,
}
"""What is looked at, in the order in which it is told."""


def examine(layout: Layout, node: str) -> dict[str, Any]:
    """Look at everything.

    Args:
        layout: the node's paths.
        node: what the operator calls the node, for commands to type.

    Returns:
        The release and the digest of what the node was set up from, the node's time in seconds
        since 1970, the locations, the instance at each, and the findings.

    Raises:
        NodeError: the node cannot even tell what is deployed on it.
    """
    patient = Patient(layout, node, registry.load(layout), node_settings.load(layout))
    findings = [
        each for name, check in CHECKS.items() for each in _carried_out(name, check, patient)
    ]
    return {
        "version": VERSION,
        "digest": system.release(layout),
        "locations": sorted(patient.routes.locations),
        "served": {where: route.instance for where, route in patient.routes.locations.items()},
        "findings": [asdict(each) for each in findings],
        "time": time.time(),
    }


def _carried_out(name: str, check: Check, patient: Patient) -> list[Finding]:
    """Carry out a check; one that fails keeps nobody from the others."""
    try:
        return list(check(patient))
    except (NodeError, OSError, ValueError, LookupError, SystemError, ImportError) as error:
        # The last two are of python3-apt: a damaged list of packages, or no python3-apt.
        fix = f"look at it on the node: ./silver setup-node {patient.node} may mend it"
        return [finding.wrong(name, f"could not be looked at: {error}", fix)]
