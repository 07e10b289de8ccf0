"""Varnish on this node: load what the registry says, and move the labels."""

import json
from collections.abc import Iterator
from pathlib import Path

from silvernode import atomic, vcl
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.registry import Registry
from silvernode.settings import Settings
from silvernode.vcl import Vcl

LOAD_SECONDS = 120
OURS = ("root_", "vcl_", "app_")
Loaded = dict[str, dict[str, object]]


def apply(layout: Layout, registry: Registry, settings: Settings) -> bool:
    """Bring Varnish to what the registry says; does nothing where it is there already.

    Each app moves from one instance to the next at once and without losing a request. What a
    starting varnishd reads is replaced in one step, so that it comes up with the old or the new.

    Returns:
        Whether anything changed.

    Raises:
        NodeError: Varnish refused; what was being served goes on being served.
    """
    apps, root = _wanted(layout, registry, settings)
    loaded = _list()
    changed = [_load(layout, each, loaded) for each in apps.values()]
    changed += [_label(vcl.label(app), each.name, loaded) for app, each in apps.items()]
    changed += [_load(layout, root, loaded), _use(root.name, loaded)]
    start = vcl.start_commands(apps, root, layout.vcl)
    changed += [atomic.write(layout.vcl / "start.cli", start)]
    return any(changed)


def load(layout: Layout, registry: Registry, app: str, settings: Settings) -> None:
    """Compile an app's VCL without using it yet, so that the switch itself takes milliseconds.

    Raises:
        NodeError: the compiler refused it.
    """
    _load(layout, vcl.app_vcl(app, registry, layout.vcl, settings.max_connections), _list())


def discard_unused(layout: Layout, registry: Registry, settings: Settings) -> None:
    """Have Varnish forget, and remove the files of, what the registry does not need any more.

    Raises:
        NodeError: Varnish refused.
    """
    apps, root = _wanted(layout, registry, settings)
    kept = {root.name, *(each.name for each in apps.values()), *map(vcl.label, apps)}
    loaded = [name for name in _list() if name.startswith(OURS)]
    unused = [name for name in loaded if name not in kept]
    if unused:
        _admin("vcl.discard", *unused)
    for path in _files(layout):
        if path.stem not in kept:
            path.unlink()


def _wanted(layout: Layout, registry: Registry, settings: Settings) -> tuple[dict[str, Vcl], Vcl]:
    names = sorted({route.app for route in registry.locations.values()})
    apps = {app: vcl.app_vcl(app, registry, layout.vcl, settings.max_connections) for app in names}
    return apps, vcl.root_vcl(registry, layout.vcl)


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
    current = loaded.get(name, {}).get("label")
    if isinstance(current, dict) and current.get("name") == target:
        return False
    _admin("vcl.label", name, target)
    return True


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
