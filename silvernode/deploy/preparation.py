"""The first half of a deploy: what a node needs before an upload can become an instance."""

import json
import platform
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from silvernode import apps, instances, jobs, locks, units
from silvernode import settings as node_settings
from silvernode.data import journal, mending
from silvernode.deploy import app_config, manifest, removal
from silvernode.deploy.request import Request
from silvernode.errors import NodeError
from silvernode.jobs import schedules
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing import registry, varnish
from silvernode.settings import Settings


def prepare(layout: Layout, request: Request, check: bool, config: bool = False) -> dict[str, Any]:
    """Say what an upload of an app needs, after creating the app's user and directories.

    Mends routes that a killed command left behind.

    Args:
        layout: the node's paths.
        request: which app, where.
        check: look only, change nothing, but look at everything.
        config: whether a deployment configuration is going to be uploaded, too.

    Returns:
        The active instance, whether the location is disabled, the directory to compare with, the
        directory to upload to, the name of the next instance, a digest of the app's secret, the
        directory of the location's configuration, the services and packages that have to be
        provided first, whether the node has changed since the active
        instance was started, what was edited in the active instance, the bytes that an upload may
        take, what compiled modules must fit, and warnings of what a killed command left.

    Raises:
        NodeError: the location is another app's, the node does not provide a service, or the app
            lacks a configuration, has a schedule that is none, or cannot run on several nodes.
    """
    settings = node_settings.load(layout)
    routes = registry.load(layout)
    request.check_free(routes)
    _check_nodes(layout, request)
    schedules.check(request.plan)
    services = list(_missing_services(layout, request))
    app_config.origin(layout, request, config)
    warnings = [] if check else _make_ready(layout, request, settings)
    active = routes.active(request.location)
    base = active or instances.newest(routes.referenced(request.app))
    configured = app_config.holder(layout, request)
    return {
        "active": active,
        "disabled": routes.is_disabled(request.location) or request.app in routes.disabled.apps,
        "base": str(layout.www / base) if base else "",
        "staging": str(layout.staging / f"{request.app}.{time.time_ns()}"),
        "next": next_name(layout, request.app, datetime.now(UTC)),
        "secret": apps.secret_digest(layout, request.app),
        "config": str(app_config.path(layout, configured)) if configured else "",
        "edits": _edits(layout, active, thorough=check),
        "services": services,
        "packages": _missing_packages(request.plan["packages"]),
        "outdated": bool(active) and _is_outdated(layout, active, request),
        "free_bytes": shutil.disk_usage(layout.www).free - settings.disk_reserve_mb * 2**20,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "libc": list(platform.libc_ver()),
        "warnings": warnings,
    }


def next_name(layout: Layout, app: str, now: datetime) -> str:
    """Return the name of an app's next instance on this node.

    A name is never given again: answers of an instance may be in a cache, its lines in a log.
    """
    last = registry.load(layout).numbers.get(app, "")
    return instances.next_name(app, [*instances.on_disk(layout, app), last], now)


def configuration(layout: Layout, request: Request) -> str:
    """Return a digest of what decides how an instance runs beside its own files.

    An update of an unchanged app makes a new instance when it differs, and so brings a new version
    of the node's configuration, or of a service's variables, to the app without losing a request.
    """
    sources = [layout.etc / "httpd.conf", layout.settings, layout.units / units.SANDBOX]
    sources += [layout.service_env(request.app, name) for name in sorted(request.plan["services"])]
    digest = sha256()
    for path in sources:
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def _make_ready(layout: Layout, request: Request, settings: Settings) -> list[str]:
    """Provide what every app has, and end what a killed command left; return what to tell of it."""
    with locks.of_app(layout, request.app, request.owner, f"preparing {request.location}"):
        told = mending.mend(layout, settings, request.app)
        told += journal.take_notes(layout, request.app)
        apps.provide(layout, request.app)
        removal.drop_abandoned(layout, request.app)
        jobs.follow(layout, request.app)
    with locks.of_routes(layout):
        varnish.apply(layout, registry.load(layout), settings)
    return told


def _check_nodes(layout: Layout, request: Request) -> None:
    """Check that an app can run on as many nodes as it is going to.

    Raises:
        NodeError: what it asks for would be on each node by itself.
    """
    if request.nodes == 1:
        return
    for service in request.plan["services"]:
        path = layout.service_settings(service)
        if path.exists() and json.loads(path.read_bytes()).get("only_on_one_node"):
            raise NodeError(
                f"service.{service} keeps its data on one node, but the set has {request.nodes}:"
                f" give them a shared place, see roles/service_{service}/README.md"
            )
    if mode := request.plan.get("update_mode"):
        raise NodeError(
            f"update_mode = {mode} keeps visitors out of one node only, but the set has"
            f" {request.nodes}: leave it out of app.ini"
        )


def _missing_services(layout: Layout, request: Request) -> Iterator[dict[str, str]]:
    """Give the services of an app that it does not have yet, or with other settings than now."""
    for service, value in request.plan["services"].items():
        path = layout.service_settings(service)
        if not path.exists():
            raise NodeError(
                f"this node does not provide service.{service} yet; run ./silver setup-node for it"
            )
        digest = sha256(path.read_bytes() + b"\0" + value.encode()).hexdigest()[:16]
        env = layout.service_env(request.app, service)
        if not env.exists() or not env.read_bytes().startswith(f"# silver {digest}\n".encode()):
            yield {"name": service, "value": value, "digest": digest}


def _missing_packages(packages: Iterable[str]) -> list[str]:
    wanted = list(packages)
    if not wanted:
        return []
    form = "--showformat=${Package} ${db:Status-Status}\n"
    listed = run("dpkg-query", "--show", form, "--", *wanted, check=False).stdout
    return [name for name in wanted if f"{name} installed" not in listed.splitlines()]


def _is_outdated(layout: Layout, active: str, request: Request) -> bool:
    record = instances.load(layout, active)
    return record is None or record.configuration != configuration(layout, request)


def _edits(layout: Layout, active: str, *, thorough: bool) -> dict[str, Any] | None:
    """Return what was edited in the active instance, or None if that cannot be told."""
    files = manifest.load(layout, active) if active else None
    if files is None:
        return None
    return asdict(manifest.edits(layout.www / active, files, thorough=thorough))
