"""Varnish on this node: load what the registry says, and move the labels."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from silvernode import atomic
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing import closings, vcl
from silvernode.routing.places import places
from silvernode.routing.registry import Registry
from silvernode.routing.vcl import Vcl
from silvernode.settings import Settings

LOAD_SECONDS = 120
OURS = ("root_", "vcl_", "app_")
OLD = ("front.vcl", "policy.vcl")
"""What the units of releases before 0.3.0 include."""

Loaded = dict[str, dict[str, object]]


@dataclass(frozen=True)
class _Wanted:
    """What Varnish is to have.

    Attributes:
        apps: the VCL of each app.
        apps_at_boot: the same without what a deploy has closed, since a reboot ends the deploy.
        root: the root VCL.
    """

    apps: dict[str, Vcl]
    apps_at_boot: dict[str, Vcl]
    root: Vcl

    @property
    def units(self) -> list[Vcl]:
        """The VCL of the apps, each once."""
        return list(dict.fromkeys([*self.apps.values(), *self.apps_at_boot.values()]))

    def start(self, layout: Layout) -> str:
        """Return what a starting varnishd reads."""
        return vcl.start_commands(self.apps_at_boot, self.root, layout.vcl)


def apply(layout: Layout, registry: Registry, settings: Settings) -> bool:
    """Bring Varnish to what the registry says; does nothing where it is there already.

    Each app moves from one instance to the next at once and without losing a request. What a
    starting varnishd reads is replaced in one step, so that it comes up with the old or the new.

    Returns:
        Whether anything changed.

    Raises:
        NodeError: Varnish refused; what was being served goes on being served.
    """
    wanted = _wanted(layout, registry, settings)
    loaded = _list()
    changed = [_load(layout, each, loaded) for each in wanted.units]
    changed += [_label(vcl.label(app), each.name, loaded) for app, each in wanted.apps.items()]
    changed += [_load(layout, wanted.root, loaded), _use(wanted.root.name, loaded)]
    changed += [atomic.write(layout.vcl / "start.cli", wanted.start(layout))]
    return any(changed)


def differences(layout: Layout, registry: Registry, settings: Settings) -> list[str]:
    """Return how Varnish differs from what `apply` would make of it, a line for each difference."""
    wanted = _wanted(layout, registry, settings)
    loaded, found = _list(), []
    for app, unit in wanted.apps.items():
        if not _is_labelled(vcl.label(app), unit.name, loaded):
            found.append(f"Varnish has other routes of {app} than the registry")
    if loaded.get(wanted.root.name, {}).get("status") != "active":
        found.append("Varnish has other locations than the registry")
    start = layout.vcl / "start.cli"
    if start.read_text() != wanted.start(layout):
        found.append(f"{start} would have Varnish start with other routes than the registry's")
    return found


def load(layout: Layout, registry: Registry, app: str, settings: Settings) -> None:
    """Compile an app's VCL without using it yet, so that the switch itself takes milliseconds.

    Raises:
        NodeError: the compiler refused it.
    """
    loaded, wanted = _list(), _wanted(layout, registry, settings)
    # An app that is served at a special location only may need none.
    units = {apps[app] for apps in (wanted.apps, wanted.apps_at_boot) if app in apps}
    for unit in units:
        _load(layout, unit, loaded)


def discard_unused(layout: Layout, registry: Registry, settings: Settings) -> None:
    """Have Varnish forget, and remove the files of, what the registry does not need any more.

    Raises:
        NodeError: Varnish refused.
    """
    wanted = _wanted(layout, registry, settings)
    kept = {wanted.root.name, *(each.name for each in wanted.units), *map(vcl.label, wanted.apps)}
    loaded = [name for name in _list() if name.startswith(OURS)]
    unused = [name for name in loaded if name not in kept]
    if unused:
        _admin("vcl.discard", *unused)
    for path in _files(layout):
        if path.stem not in kept:
            path.unlink()
    for name in OLD:
        (layout.vcl / name).unlink(missing_ok=True)


def is_busy(app: str) -> bool:
    """Tell whether a request of an app is under way that came before its routes were moved."""
    loaded = _list()
    label = loaded.get(vcl.label(app), {}).get("label")
    current = label.get("name") if isinstance(label, dict) else None
    old = re.compile(rf"vcl_{app}_[0-9a-f]{{12}}")
    return any(
        unit.get("busy") for name, unit in loaded.items() if old.fullmatch(name) and name != current
    )


def _wanted(layout: Layout, registry: Registry, settings: Settings) -> _Wanted:
    closed = closings.current(layout) | dict(registry.closed)
    opened = _apps(layout, registry.with_closed({}), settings)
    apps = _apps(layout, registry.with_closed(closed), settings) if closed else opened
    return _Wanted(apps, opened, vcl.root_vcl(registry, layout.vcl))


def _apps(layout: Layout, registry: Registry, settings: Settings) -> dict[str, Vcl]:
    names = sorted({place.app for place in places(registry)})
    return {app: vcl.app_vcl(app, registry, layout.vcl, settings.max_connections) for app in names}


def _files(layout: Layout) -> Iterator[Path]:
    return (path for path in layout.vcl.glob("*.vcl") if path.name.startswith(OURS))


def _load(layout: Layout, unit: Vcl, loaded: Loaded) -> bool:
    path = layout.vcl / unit.file
    written = atomic.write(path, unit.text)
    if unit.name in loaded:
        return written
    try:
        _admin("vcl.load", unit.name, str(path))
        # varnishadm exits with 0 when its patience is at an end, too.
        if unit.name not in _list():
            raise NodeError(f"Varnish did not finish compiling {path} within {LOAD_SECONDS} s")
    except NodeError:
        path.unlink()
        raise
    return True


def _label(name: str, target: str, loaded: Loaded) -> bool:
    if _is_labelled(name, target, loaded):
        return False
    _admin("vcl.label", name, target)
    return True


def _is_labelled(name: str, target: str, loaded: Loaded) -> bool:
    current = loaded.get(name, {}).get("label")
    return isinstance(current, dict) and current.get("name") == target


def _use(name: str, loaded: Loaded) -> bool:
    if loaded.get(name, {}).get("status") == "active":
        return False
    _admin("vcl.use", name)
    return True


def _list() -> Loaded:
    answer = json.loads(_admin("vcl.list", "-j"))
    units = [unit for unit in answer if isinstance(unit, dict) and "name" in unit]
    return {unit["name"]: unit for unit in units if unit["status"] != "discarded"}


def _admin(*command: str) -> str:
    return run("varnishadm", "-t", str(LOAD_SECONDS), *command).stdout
