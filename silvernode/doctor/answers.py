"""Does every site answer?"""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from silvernode import instances
from silvernode.deploy.trial import Trial
from silvernode.doctor.finding import Finding, ok, wrong
from silvernode.doctor.patient import Patient
from silvernode.errors import NodeError

CHECK = "answers"
AT_ONCE = 4
VARNISH = ("127.0.0.1", 80)
SLOW_SECONDS = 5.0


def check(patient: Patient) -> Iterator[Finding]:
    """Ask each active instance what a deploy asks it, and Varnish for each location."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda location: _location(patient, location), patient.routes.locations)


def _location(patient: Patient, location: str) -> Finding:
    instance = patient.routes.active(location)
    began = time.monotonic()
    try:
        _ask_instance(patient, instance, location)
        status = _ask_varnish(location)
    except NodeError as error:
        return wrong(CHECK, f"{location}: {error}", f"./silver logs {location} --errors")
    seconds = time.monotonic() - began
    if status >= 500:
        return wrong(
            CHECK,
            f"{location}: Varnish answers {status}, though {instance} is well",
            f"on the node: silver-node refresh; ./silver logs {location} --access",
        )
    if seconds > SLOW_SECONDS:
        return wrong(
            CHECK,
            f"{location} answers after {seconds:.1f} s only",
            f"./silver logs {location} --access tells how long each request took",
        )
    return ok(CHECK, f"{location} answers {status} in {seconds:.2f} s")


def _ask_instance(patient: Patient, instance: str, location: str) -> None:
    """Ask an instance itself, around Varnish and what it has in its cache.

    Raises:
        NodeError: it does not answer as it did when it was deployed.
    """
    record = instances.load(patient.layout, instance)
    if record is None:
        raise NodeError(f"the record of {instance} is gone")
    variables = instances.environment(patient.layout, record, location, patient.settings)
    Trial(patient.layout, patient.settings, instance, variables, record.plan).check()


def _ask_varnish(location: str) -> int:
    """Ask as a visitor, from the node itself, which is let in where visitors are kept out.

    Raises:
        NodeError: there is no answer.
    """
    host, slash, path = location.partition("/")
    connection = http.client.HTTPConnection(*VARNISH, timeout=30)
    try:
        connection.request("GET", f"/{path}{slash}", headers={"Host": host.replace("*", "doctor")})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NodeError(f"Varnish does not answer: {error!r}") from error
    finally:
        connection.close()
