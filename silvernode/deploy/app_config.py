"""An app's deployment configuration: a directory of its own for every instance.

So an instance that is gone back to, or served at `prev.`, has the configuration it was tried with.
"""

import shutil
from pathlib import Path

from silvernode import apps, instances
from silvernode.deploy.request import Request
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing import registry

GIVEN, DEFAULT, NONE = "given", "default", ""
"""Where a configuration comes from: see `instances.Record.config`."""

TRUE = frozenset({"1", "yes", "true", "on"})  # As `configparser` has it.


def path(layout: Layout, instance: str) -> Path:
    """Return the directory of an instance's configuration."""
    return layout.data("config", instance.partition(".")[0]) / instance


def restored(layout: Layout, app: str) -> Path:
    """Return the directory of a configuration that was restored before the app was deployed."""
    return layout.data("config", app) / "restored"


def forget_restored(layout: Layout, app: str) -> None:
    """Remove it, once an instance has it."""
    shutil.rmtree(restored(layout, app), ignore_errors=True)


def staged(layout: Layout, upload: str) -> Path:
    """Return the directory to which the configuration that goes with an upload is uploaded."""
    return layout.staged(f"{upload}.config")


def holder(layout: Layout, request: Request) -> str:
    """Return the active instance of a location if a configuration was given for it, or ""."""
    active = registry.load(layout).active(request.location)
    record = instances.load(layout, active) if active else None
    return active if record and record.config == GIVEN else ""


def origin(layout: Layout, request: Request, given: bool) -> str:
    """Return where the configuration of a location's next instance comes from.

    Args:
        layout: the node's paths.
        request: which app, where.
        given: whether one is uploaded.

    Raises:
        NodeError: the app cannot do without, and none was ever given for the location.
    """
    if given or holder(layout, request) or _waits(layout, request):
        return GIVEN
    if _keys(request).get("required", "").lower() in TRUE:
        raise NodeError(
            f"{request.app} needs a configuration (config.required in its app.ini), and none was"
            f" given for {request.location} yet; give one with --config DIR"
        )
    return DEFAULT if "default" in _keys(request) else NONE


def provide(layout: Layout, request: Request, record: Record, upload: Path | None) -> None:
    """Give a new instance its configuration.

    Args:
        layout: the node's paths.
        request: which app, where.
        record: the new instance; its files are in place.
        upload: the configuration that was uploaded; None keeps that of the active instance.

    Raises:
        NodeError: it is not there, or could not be copied.
    """
    target = path(layout, record.instance)
    target.parent.mkdir(parents=True, exist_ok=True)
    apps.restrict(target.parent, record.app)
    if record.config == GIVEN:
        _copy(upload or _kept(layout, request), target)
    elif record.config == DEFAULT:
        _copy(layout.www / record.instance / _keys(request)["default"], target, "--dereference")
    else:
        target.mkdir(exist_ok=True)
    apps.restrict(target, record.app)


def is_empty(layout: Layout, instance: str) -> bool:
    """Tell whether an instance has no configuration."""
    return not any(path(layout, instance).iterdir())


def _waits(layout: Layout, request: Request) -> bool:
    """Tell whether a configuration was restored that is the location's first."""
    first = not registry.load(layout).active(request.location)
    return first and restored(layout, request.app).is_dir()


def _kept(layout: Layout, request: Request) -> Path:
    active = holder(layout, request)
    return path(layout, active) if active else restored(layout, request.app)


def _keys(request: Request) -> dict[str, str]:
    return dict(request.plan.get("config", {}))


def _copy(source: Path, target: Path, *options: str) -> None:
    """Copy, not link: an edit of one instance's configuration must not reach another's."""
    if not source.is_dir():
        raise NodeError(f"the configuration {source} is gone; run the update again")
    if target.exists():
        shutil.rmtree(target)
    run("cp", "--archive", *options, "--", str(source), str(target))
