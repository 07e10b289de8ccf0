"""Was a change of an app's data killed that nobody could end?"""

from collections.abc import Iterator

from silvernode import locks
from silvernode.data import mending
from silvernode.doctor.finding import Finding, wrong
from silvernode.doctor.patient import Patient

CHECK = "data"


def check(patient: Patient) -> Iterator[Finding]:
    """Look at what is under way with no command that is at work."""
    for app in mending.left(patient.layout):
        if not locks.is_changed(patient.layout, app):
            yield wrong(
                CHECK,
                f"a change of the data of {app} was interrupted and is not ended",
                f"./silver setup-node {patient.node} or, on the node: silver-node refresh",
            )
