"""Does Varnish do what the registry says?"""

from collections.abc import Iterator

from silvernode import locks, report
from silvernode.doctor.finding import Finding, note, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.routing import registry, varnish

CHECK = "routes"


def check(patient: Patient) -> Iterator[Finding]:
    """Compare Varnish with the registry, and the registry with the records of the instances."""
    layout = patient.layout
    mend = f"./silver setup-node {patient.node}, or on the node: silver-node refresh"
    # What a command that goes on beside changes is compared before it or after.
    with locks.of_routes(layout):
        routes = registry.load(layout)
        differences = varnish.differences(layout, routes, patient.settings)
    for line in differences:
        yield wrong(CHECK, line, mend)
    for problem in report.records(layout)[1]:
        yield wrong(CHECK, problem, "see the message")
    for location in sorted(filter(routes.is_disabled, routes.locations)):
        yield note(
            CHECK, f"{location} is disabled; to open it: ./silver enable --by-location {location}"
        )
    if not differences:
        yield ok(CHECK, f"{len(routes.locations)} locations are as the registry says")
