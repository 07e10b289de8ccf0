"""``silver demo``: from a bare machine to served sites, and back."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from rich.console import Console

from silverlining import playbook, release
from silverlining.app import application, libraries
from silverlining.app.locations import Location
from silverlining.nodes import engine, etc_hosts, image, sources
from silversupport.errors import SilverError

NODE = "demo"
APPS = ("hello", "questioner", "places")

FETCH_TIMEOUT = 20
"""Seconds until a site that does not answer counts as failed."""

_HOSTS = Path("/etc/hosts")


class DemoError(SilverError):
    """A step failed; what its playbook printed has been shown."""


@dataclass(frozen=True)
class Site:
    """One fetch of a site, as a visitor's.

    Attributes:
        location: Where it is served.
        address: The node's IP address.
        status: The HTTP status, or what went wrong instead.
    """

    location: Location
    address: str
    status: int | str

    def __str__(self) -> str:
        return f"http://{self.location}/  {self.address}  {self.status}"


class Steps:
    """Says what is being done and, when it is done, with what result and in how many seconds."""

    def __init__(self, verbose: bool, console: Console | None = None) -> None:
        self.verbose = verbose
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.changed = False

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Time a step; call what is yielded with its result, for the line that is printed."""
        started, results = time.monotonic(), ["failed"]
        try:
            with self.console.status(title) as self._status:
                yield results.append
        finally:
            seconds = time.monotonic() - started
            self.console.print(f"{title:<40} {results[-1]:<12} {seconds:5.1f} s", markup=False)

    def play(self, title: str, name: str, extra: Mapping[str, object]) -> None:
        """Run a playbook as a step.

        Raises:
            DemoError: It failed; its output has been printed.
        """
        with self.step(title) as result:
            if self.verbose:
                done = playbook.Result(playbook.run(name, extra), "")
            else:
                done = playbook.run_quietly(name, extra, self.progress(title))
            if done.status:
                self.console.print(done.output, markup=False)
                raise DemoError(f"{title} failed; the reason stands above")
            self.done(result, done.changed > 0)

    def done(self, result: Callable[[str], None], changed: bool) -> None:
        """Note the result of a step."""
        self.changed = self.changed or changed
        result("done" if self.verbose else "changed" if changed else "no change")

    def progress(self, title: str) -> Callable[[str], None]:
        """Return what shows, on a terminal, how a step comes along."""
        return lambda text: self._status.update(f"{title}: {text}")


def run(verbose: bool = False, source: Path | None = None, wait_timeout: int | None = None) -> int:
    """Make the node, set it up, deploy the sample applications and fetch each.

    Args:
        verbose: Show what Ansible prints.
        source: The source file of a provider; None for the local engine.
        wait_timeout: Seconds until the node must let us in; None for the usual ones.

    Returns:
        0 if every site answered 200.

    Raises:
        DemoError: A step failed.
        SilverError: Another reason why it cannot go on.
    """
    steps = Steps(verbose)
    limit = {"wait_timeout": wait_timeout} if wait_timeout else {}
    is_local = source is None or sources.load(source).is_local
    if is_local:
        _prepare_engine(steps)
    elif source:
        check_is_in_inventory(source)
    steps.play("Node", "create-node", {"node": NODE, "if_not_exists": True, **_of(source), **limit})
    _provision(steps)
    _fill_libraries(steps)
    for app in APPS:
        steps.play(f"Deploy {app}", "deploy", {"app": app, "node": NODE})
    address = str(playbook.inventory()[NODE]["ansible_host"])
    locations = [_location(app) for app in APPS]
    missing = _add_names(steps, address, locations)
    sites = [fetch(location, address) for location in locations]
    _conclude(steps, sites, missing, source)
    return 0 if all(site.status == requests.codes.ok for site in sites) else 1


def destroy(verbose: bool = False, source: Path | None = None) -> int:
    """Remove the node, its names and its host key; succeeds if there is nothing to remove.

    Args:
        verbose: Show what Ansible prints.
        source: As for ``run``.
    """
    steps = Steps(verbose)
    steps.play("Remove node, names and host key", "destroy-node", {"node": NODE, **_of(source)})
    return 0


def check_is_in_inventory(source: Path) -> None:
    """Check that the node of a source will be found: commands read the inventory's files only.

    Raises:
        DemoError: It is none of them.
    """
    own = playbook.ROOT / "inventory"
    places = os.environ.get("ANSIBLE_INVENTORY", str(own)).split(",")
    if not {source, source.parent} & {Path(place).resolve() for place in places}:
        raise DemoError(
            f"{source} is no file of the inventory, so its node could not be set up."
            f" Type: cp {source} {own}/ and name that file"
        )


def fetch(location: Location, address: str) -> Site:
    """Fetch a site's first page from port 80 of a node, whatever its name resolves to."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the user's does not reach local nodes
        try:
            answer = session.get(
                f"http://{address}{location.path}/",
                headers={"Host": location.host},
                timeout=FETCH_TIMEOUT,
            )
        except requests.RequestException as error:
            return Site(location, address, f"{type(error).__name__}: {error}")
    return Site(location, address, answer.status_code)


def is_provisioned(note: bytes | None, digest: str) -> bool:
    """Return whether a node's ``release.json`` says that it has what provisioning installs now."""
    return note is not None and json.loads(note).get("digest") == digest


def _of(source: Path | None) -> dict[str, str]:
    return {"source": str(source)} if source else {}


def _prepare_engine(steps: Steps) -> None:
    """Do what `create-node` would do first, since a module cannot show how it comes along."""
    for title, ensure in (
        ("Docker engine", engine.ensure),
        ("Image of local nodes", lambda report: image.ensure(engine.connect(), "", report)),
    ):
        with steps.step(title) as result:
            steps.done(result, ensure(steps.progress(title)))


def _provision(steps: Steps) -> None:
    """Provision, unless nothing can have changed: a run without a change takes 30 s."""
    with steps.step("Look at the node") as result:
        note = playbook.read_file(NODE, "/etc/silverlining/release.json")
        current = is_provisioned(note, release.digest())
        result("up to date" if current else "out of date" if note else "bare")
    if not current:
        steps.play("Provision", "provision", {"node": NODE})


def _fill_libraries(steps: Steps) -> None:
    with steps.step("Libraries of the applications") as result:
        filled = [libraries.fill(playbook.ROOT / "apps" / app) for app in APPS]
        steps.done(result, any(filled))


def _location(app: str) -> Location:
    services = [path.name for path in (playbook.ROOT / "roles").glob("service_*")]
    found = application.load(
        playbook.ROOT / "apps" / app, [name.removeprefix("service_") for name in services]
    )
    if found.default_location is None:
        raise DemoError(f"apps/{app}/app.ini has no default_location")
    return found.default_location


def _add_names(steps: Steps, address: str, locations: list[Location]) -> list[str]:
    """Add the sites' names to /etc/hosts; return the lines that this user may not add."""
    names = [name for each in locations for name in (each.host, f"prev.{each.host}")]
    with steps.step(f"Names in {_HOSTS}") as result:
        try:
            before, after = etc_hosts.update(
                _HOSTS, lambda text: etc_hosts.added(text, NODE, address, names)
            )
        except etc_hosts.NotWritableError as error:
            result("not allowed")
            return error.lines
        steps.done(result, before != after)
    return []


def _conclude(steps: Steps, sites: list[Site], missing: list[str], source: Path | None) -> None:
    again = f"./silver demo --source {source}" if source else "./silver demo"
    lines = ["", *map(str, sites), ""]
    if not steps.changed:
        lines.append("Nothing was changed.")
    if missing:
        lines += ["For a browser, add these lines to /etc/hosts as root:", *missing]
    lines += [
        "Look at a site:    " + _curl(sites[0]),
        f"Change it:         edit apps/hello, then type '{again}' again",
        f"Take it all away:  {again} --destroy",
    ]
    steps.console.print("\n".join(lines), markup=False)


def _curl(site: Site) -> str:
    return f"curl -H 'Host: {site.location.host}' http://{site.address}{site.location.path}/"
