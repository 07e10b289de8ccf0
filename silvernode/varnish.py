"""Varnish on this node: load what the registry says, and move the labels."""

import json
import subprocess

from silvernode import atomic, vcl
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.registry import Registry
from silvernode.settings import Settings

LOAD_SECONDS = 120


def apply(layout: Layout, registry: Registry, settings: Settings) -> bool:
    """Bring Varnish to what the registry says; does nothing where it is there already.

    Each app moves from one instance to the next at once and without losing a request.

    :returns: whether anything changed.
    :raises NodeError: Varnish refused; what was being served goes on being served.
    """
    apps = {
        app: vcl.app_vcl(app, registry, layout.vcl, settings.max_connections)
        for app in sorted({route.app for route in registry.locations.values()})
    }
    root = vcl.root_vcl(registry, layout.vcl)
    loaded = _list()
    changed = [_load(layout, each, loaded) for each in apps.values()]
    changed += [_label(vcl.label(app), each.name, loaded) for app, each in apps.items()]
    changed += [_load(layout, root, loaded), _use(root.name, loaded)]
    start = layout.vcl / "start.cli"
    changed += [atomic.write(start, vcl.start_commands(apps, root, layout.vcl))]
    _discard({each.name for each in apps.values()} | {root.name} | {vcl.label(app) for app in apps})
    return any(changed)


def load(layout: Layout, registry: Registry, app: str, settings: Settings) -> None:
    """Compile an app's VCL without using it yet, so that the switch itself takes milliseconds.

    :raises NodeError: the compiler refused it.
    """
    _load(layout, vcl.app_vcl(app, registry, layout.vcl, settings.max_connections), _list())


def _load(layout: Layout, unit: vcl.Vcl, loaded: dict[str, dict[str, object]]) -> bool:
    """Load one VCL from a file beside its own, which is replaced only when that has worked."""
    path = layout.vcl / unit.file
    if unit.name in loaded:
        return atomic.write(path, unit.text)
    trial = path.with_suffix(".new")
    atomic.write(trial, unit.text)
    _admin("vcl.load", unit.name, str(trial))
    if unit.name not in _list():
        raise NodeError(f"Varnish did not finish compiling {trial} within {LOAD_SECONDS} s")
    trial.replace(path)
    return True


def _label(name: str, target: str, loaded: dict[str, dict[str, object]]) -> bool:
    current = loaded.get(name, {}).get("label")
    if isinstance(current, dict) and current.get("name") == target:
        return False
    _admin("vcl.label", name, target)
    return True


def _use(name: str, loaded: dict[str, dict[str, object]]) -> bool:
    if loaded.get(name, {}).get("status") == "active":
        return False
    _admin("vcl.use", name)
    return True


def _discard(kept: set[str]) -> None:
    stale = [name for name, unit in _list().items() if name not in kept and unit["status"] != "active"]
    if stale:
        _admin("vcl.discard", *stale)


def _list() -> dict[str, dict[str, object]]:
    answer = json.loads(_admin("vcl.list", "-j"))
    units = [unit for unit in answer if isinstance(unit, dict) and "name" in unit]
    return {unit["name"]: unit for unit in units if unit["status"] != "discarded"}


def _admin(*command: str) -> str:
    done = subprocess.run(
        ["varnishadm", "-t", str(LOAD_SECONDS), *command], capture_output=True, text=True
    )
    if done.returncode:
        raise NodeError(f"Varnish refused: {' '.join(command)}", done.stdout + done.stderr)
    return done.stdout
