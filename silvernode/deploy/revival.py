"""An instance that is on the node, made ready to be served again, perhaps somewhere else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from silvernode import atomic, instances, interrupts, units
from silvernode.deploy import switching
from silvernode.deploy.trial import Trial
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry
from silvernode.routing.locations import SPECIAL, split
from silvernode.routing.registry import Registry
from silvernode.settings import Settings

KNOWN_AT_START = ("SILVER_CANONICAL_HOSTNAME", "STATIC_URL")
"""What a process is told once, when it starts, of where it is served."""


@contextmanager
def revived(
    layout: Layout, record: Record, locations: Sequence[str], routes: Registry, settings: Settings
) -> Iterator[None]:
    """Have an instance running, and checked; if what follows fails, it is as it was before.

    Args:
        layout: the node's paths.
        record: the instance.
        locations: where it is going to be served.
        routes: what is served where now.
        settings: the node's settings.

    Raises:
        NodeError: it is not fit to be served there.
    """
    _check_path(record.instance, locations, routes)
    before = instances.load_env_text(layout, record.instance)
    was_running = units.is_running(record.instance)
    try:
        _revive(layout, record, locations, routes, settings)
        yield
    except BaseException:
        interrupts.ignore()
        # It is in use if it was so before, and where even putting the routes back has failed.
        if record.instance not in registry.load(layout).active_of(record.app):
            _put_back(layout, record.instance, before, was_running=was_running)
        raise


def _check_path(instance: str, locations: Sequence[str], routes: Registry) -> None:
    """Check that an instance is told one path only: its processes have but one STATIC_URL."""
    elsewhere = [
        location
        for location, route in routes.locations.items()
        if instance in (route.instance, route.previous)
    ]
    for location in locations:
        for other in [*elsewhere, *locations]:
            if split(location)[1] != split(other)[1]:
                raise NodeError(
                    f"{instance} cannot be served at {location} and at {other}, since an instance"
                    " knows one path (STATIC_URL); make another instance of the application with:"
                    f" ./silver update DIR {location}"
                )


def _revive(
    layout: Layout, record: Record, locations: Sequence[str], routes: Registry, settings: Settings
) -> None:
    instance = record.instance
    serving = instance in routes.active_of(record.app)
    active = [each for each, route in routes.locations.items() if route.instance == instance]
    first, *others = sorted({*locations, *active}, key=_order)
    if units.is_running(instance):
        if serving or _knows(layout, record, first, settings):
            try:
                _ask(layout, record, locations, settings)
            except NodeError:
                if serving:
                    raise
            else:
                return
        # To visitors of prev.HOST at most.
        units.stop_now(layout, instance)
    switching.start(layout, record, first, settings, update=False)
    _ask(layout, record, [each for each in others if each in locations], settings)


def _knows(layout: Layout, record: Record, location: str, settings: Settings) -> bool:
    """Tell whether the processes of an instance were started for a location."""
    started = instances.load_environment(layout, record.instance)
    wanted = instances.environment(layout, record, location, settings)
    return all(started.get(name) == wanted[name] for name in KNOWN_AT_START)


def _ask(layout: Layout, record: Record, locations: Sequence[str], settings: Settings) -> None:
    """Check an instance that runs as a visitor of each of some locations would see it."""
    for location in locations:
        variables = instances.environment(layout, record, location, settings)
        Trial(layout, settings, record.instance, variables, record.plan).ask()


def _put_back(layout: Layout, instance: str, env: str, *, was_running: bool) -> None:
    if was_running and instances.load_env_text(layout, instance) == env:
        return  # It was asked only.
    units.stop_now(layout, instance)
    if env:
        atomic.write(instances.env_path(layout, instance), env, mode=0o600)
    if was_running:
        units.start(instance)


def _order(location: str) -> tuple[bool, int, str]:
    """Return a key that sorts the location first whose host an instance takes for its own."""
    host = split(location)[0]
    return host in SPECIAL, len(host), location
