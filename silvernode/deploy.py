"""A deploy, as the node sees it: prepare an upload, then try and switch to what was uploaded."""

import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from silvernode import apps, atomic, bytecode, instances, locks, registry, units, varnish
from silvernode import settings as node_settings
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.registry import Registry
from silvernode.settings import Settings
from silvernode.trial import Trial

APP_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
LOCATION = re.compile(r"[a-z0-9.-]+(/[A-Za-z0-9._~-]+)*")
ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Request:
    """Who wants which app at which location.

    :param plan: what the app's ``app.ini`` says, as the laptop checked it.
    :param location: ``HOST[/PATH]``.
    :param owner: who asks, as ``user@machine``.
    """

    plan: Mapping[str, Any]
    location: str
    owner: str

    def __post_init__(self) -> None:
        if not APP_NAME.fullmatch(self.app) or not LOCATION.fullmatch(self.location):
            raise NodeError(f"not an app and a location: {self.app!r}, {self.location!r}")

    @property
    def app(self) -> str:
        return str(self.plan["name"])

    def check_free(self, routes: Registry) -> None:
        """
        :raises NodeError: the location is another app's.
        """
        owner = routes.owner(self.location)
        if owner not in (None, self.app):
            raise NodeError(
                f"{self.location} is served by the app {owner}; choose another location for {self.app},"
                f" or take {owner} away first"
            )


def prepare(layout: Layout, request: Request, check: bool) -> dict[str, Any]:
    """Say what an upload of an app needs, after creating the app's user and directories.

    Mends routes that a killed command left behind.

    :param check: look only, change nothing.
    :returns: the active instance, the directory to compare with, the name to upload to, and the
        services and packages that have to be provided first.
    """
    settings = node_settings.load(layout)
    routes = registry.load(layout)
    request.check_free(routes)
    services = list(_missing_services(layout, request))
    if not check:
        with locks.of_app(layout, request.app, request.owner, f"preparing {request.location}"):
            apps.provide(layout, request.app)
            _drop_abandoned(layout, request.app)
        with locks.of_routes(layout):
            varnish.apply(layout, registry.load(layout), settings)
    active = routes.locations[request.location].instance if request.location in routes.locations else ""
    base = active or max(routes.referenced(request.app), default="")
    return {
        "active": active,
        "base": str(layout.www / base) if base else "",
        "staging": str(layout.staging / f"{request.app}.{time.time_ns()}"),
        "services": services,
        "packages": _missing_packages(request.plan["packages"]),
        "outdated": bool(active) and _is_outdated(layout, active, request),
        "free_bytes": shutil.disk_usage(layout.www).free - settings.disk_reserve_mb * 2**20,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "libc": list(platform.libc_ver()),
    }


def switch(layout: Layout, request: Request, staging: str, expected: str) -> dict[str, Any]:
    """Make an upload an instance, try it, and serve it.

    :param staging: the name of the upload in the staging directory.
    :param expected: the instance that was active at the location when the upload was prepared.
    :returns: the new instance and the one before it.
    :raises NodeError: the site goes on as it was, and nothing of the upload is left.
    """
    tree = layout.staged(staging)
    with locks.of_app(layout, request.app, request.owner, f"updating {request.location}"):
        try:
            settings = node_settings.load(layout)
            _check_expected(registry.load(layout), request, expected)
            with _new_instance(layout, request, tree) as record:
                variables = instances.environment(layout, record, request.location, settings)
                env = instances.env_path(layout, record.instance)
                atomic.write(env, instances.env_text(variables), mode=0o600)
                units.install(layout, request.app)
                Trial(layout, settings, record.instance, variables, record.plan).run()
                _serve(layout, request, record, settings)
        finally:
            shutil.rmtree(tree, ignore_errors=True)
        removed = prune(layout, request.app, settings.keep_instances)
        if expected:
            units.rest_later(expected, settings.warm_seconds)
    return {"instance": record.instance, "previous": expected, "removed": removed}


def prune(layout: Layout, app: str, keep: int) -> list[str]:
    """Remove what no location refers to, but for the ``keep`` newest instances that once served.

    Also removes what a killed deploy left: an instance that never served.

    :returns: the instances that were removed.
    """
    referenced = registry.load(layout).referenced(app)
    others = [name for name in instances.on_disk(layout, app) if name not in referenced]
    served = [name for name in others if _has_served(layout, name)]
    removed = [name for name in others if name not in served[:keep]]
    for name in removed:
        remove(layout, name)
    for upload in layout.staging.glob(f"{app}.*"):
        shutil.rmtree(upload)
    return removed


def remove(layout: Layout, instance: str) -> None:
    """Stop an instance and remove every trace of it; safe to repeat after a crash."""
    units.stop_now(instance)
    shutil.rmtree(layout.www / instance, ignore_errors=True)
    app = instance.partition(".")[0]
    shutil.rmtree(layout.data("config", app) / instance, ignore_errors=True)
    with locks.of_routes(layout):
        registry.save(layout, registry.load(layout).without(instance))
    instances.env_path(layout, instance).unlink(missing_ok=True)
    instances.path(layout, instance).unlink(missing_ok=True)


def abandon(layout: Layout, staging: str) -> None:
    """Remove an upload that did not come to its end."""
    shutil.rmtree(layout.staged(staging), ignore_errors=True)


def rest(layout: Layout, instance: str) -> bool:
    """Stop an instance that serves as a previous one at most.

    :returns: whether it was stopped.
    """
    app = instance.partition(".")[0]
    with locks.of_app(layout, app, "silver-node", f"letting {instance} rest", wait=True):
        active = {route.instance for route in registry.load(layout).of_app(app).values()}
        if instance in active or not units.is_running(instance):
            return False
        units.stop(instance)
        return True


def _check_expected(routes: Registry, request: Request, expected: str) -> None:
    request.check_free(routes)
    route = routes.locations.get(request.location)
    active = route.instance if route else ""
    if active != expected:
        raise NodeError(
            f"{request.location} was switched to {active or 'nothing'} while this upload was under way;"
            " look at it and run the update again"
        )


@contextmanager
def _new_instance(layout: Layout, request: Request, tree: Path) -> Iterator[Record]:
    """Turn an upload into an instance with an address; if what follows fails, remove it again."""
    now = datetime.now(UTC)
    name = instances.next_name(request.app, instances.on_disk(layout, request.app), now)
    try:
        with locks.of_routes(layout):
            routes = registry.load(layout)
            address = routes.free_address()
            registry.save(layout, routes.with_address(name, address))
        record = Record(
            instance=name,
            app=request.app,
            address=address,
            uploader=request.owner,
            uploaded=now.isoformat(timespec="seconds"),
            plan=dict(request.plan),
            configuration=_configuration(layout, request),
        )
        instances.save(layout, record)
        _place(layout, tree, record, request)
        yield record
    except BaseException:
        remove(layout, name)
        raise


def _place(layout: Layout, tree: Path, record: Record, request: Request) -> None:
    apps.restrict(tree, request.app)
    before = max(registry.load(layout).referenced(request.app), default="")
    bytecode.provide(tree, layout.www / before if before else None)
    tree.rename(layout.www / record.instance)
    (layout.data("config", record.app) / record.instance).mkdir(parents=True)


def _serve(layout: Layout, request: Request, record: Record, settings: Settings) -> None:
    """Write the registry and move the routes; both go back if either fails."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with locks.of_routes(layout):
        old = registry.load(layout)
        new = old.switched(request.location, request.app, record.instance, now)
        varnish.load(layout, new, request.app, settings)
        instances.save(layout, replace(record, active_since={request.location: now}))
        try:
            registry.save(layout, new)
            varnish.apply(layout, new, settings)
        except BaseException:
            registry.save(layout, old)
            varnish.apply(layout, old, settings)
            raise


def _missing_services(layout: Layout, request: Request) -> Iterator[dict[str, str]]:
    """The services of an app that it does not have yet, or with other settings than now."""
    for service, value in request.plan["services"].items():
        path = layout.service_settings(service)
        if not path.exists():
            raise NodeError(
                f"this node does not provide service.{service} yet; run ./silver setup-node for it"
            )
        digest = sha256(path.read_bytes() + b"\0" + value.encode()).hexdigest()[:16]
        env = layout.service_env(request.app, service)
        if not env.exists() or env.read_text().partition("\n")[0] != f"# silver {digest}":
            yield {"name": service, "value": value, "digest": digest}


def _missing_packages(packages: Iterable[str]) -> list[str]:
    wanted = list(packages)
    if not wanted:
        return []
    command = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Abbrev}\n", "--", *wanted]
    listed = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    installed = {line.split()[0] for line in listed if line.split()[1] == "ii"}
    return [name for name in wanted if name not in installed]


def _configuration(layout: Layout, request: Request) -> str:
    """A digest of what decides how an instance runs beside its own files.

    An update of an unchanged app makes a new instance when it differs, and so brings a new version
    of the node's configuration, or of a service's variables, to the app without losing a request.
    """
    sources = [layout.etc / "httpd.conf", layout.settings, layout.units / units.SANDBOX]
    sources += [layout.service_env(request.app, name) for name in sorted(request.plan["services"])]
    digest = sha256()
    for path in sources:
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def _is_outdated(layout: Layout, active: str, request: Request) -> bool:
    record = instances.load(layout, active)
    return record is None or record.configuration != _configuration(layout, request)


def _has_served(layout: Layout, instance: str) -> bool:
    record = instances.load(layout, instance)
    return record is not None and bool(record.active_since)


def _drop_abandoned(layout: Layout, app: str) -> None:
    for upload in layout.staging.glob(f"{app}.*"):
        age = time.time() - int(upload.name.partition(".")[2]) / 1e9
        if age > ABANDONED_SECONDS:
            shutil.rmtree(upload)
