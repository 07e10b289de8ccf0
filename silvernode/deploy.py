"""The second half of a deploy: an upload becomes an instance, is tried, and is served."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from silvernode import (
    app_config,
    apps,
    atomic,
    bytecode,
    instances,
    interrupts,
    locks,
    manifest,
    registry,
    removal,
    units,
    varnish,
)
from silvernode import settings as node_settings
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.preparation import configuration
from silvernode.registry import Registry
from silvernode.request import Request, Upload
from silvernode.settings import Settings
from silvernode.trial import Trial


def switch(layout: Layout, request: Request, upload: Upload) -> dict[str, Any]:
    """Make an upload an instance, try it, and serve it.

    Args:
        layout: the node's paths.
        request: which app, where.
        upload: what was uploaded.

    Returns:
        The new instance, the one before it, those that were removed, and warnings of what could not
        be tidied up.

    Raises:
        NodeError: the site goes on as it was, and nothing of the upload is left.
        OSError: the same, for a reason such as a full disk.
    """
    try:
        with locks.of_app(layout, request.app, request.owner, f"updating {request.location}"):
            settings = node_settings.load(layout)
            _check_expected(registry.load(layout), request, upload.expected)
            with _new_instance(layout, request, upload) as record:
                _try(layout, request, record, settings)
                _serve(layout, request, record, settings)
            removed, warnings = _tidy_up(layout, request, upload.expected, settings)
    finally:
        interrupts.ignore()
        removal.abandon(layout, upload.name)
    return {
        "instance": record.instance,
        "previous": upload.expected,
        "removed": removed,
        "warnings": warnings,
    }


def _check_expected(routes: Registry, request: Request, expected: str) -> None:
    request.check_free(routes)
    active = routes.active(request.location)
    if active != expected:
        raise NodeError(
            f"{request.location} was switched to {active or 'nothing'} while this upload was under"
            " way; look at it and run the update again"
        )


@contextmanager
def _new_instance(layout: Layout, request: Request, upload: Upload) -> Iterator[Record]:
    """Turn an upload into an instance with an address; if what follows fails, remove it again."""
    now = datetime.now(UTC)
    name = instances.next_name(request.app, instances.on_disk(layout, request.app), now)
    try:
        record = _register(layout, request, upload, name, now)
        yield _place(layout, request, record, upload)
    except BaseException:
        interrupts.ignore()
        # It is in use where even putting the routes back has failed.
        if name not in registry.load(layout).referenced(request.app):
            removal.remove(layout, name)
        raise


def _register(layout: Layout, request: Request, upload: Upload, name: str, now: datetime) -> Record:
    with locks.of_routes(layout):
        routes = registry.load(layout)
        record = Record(
            instance=name,
            app=request.app,
            address=routes.free_address(),
            uploader=request.owner,
            uploaded=now.isoformat(timespec="seconds"),
            plan=dict(request.plan),
            configuration=configuration(layout, request),
            config=app_config.origin(layout, request, upload.config),
            revisions=upload.revisions,
        )
        instances.save(layout, record)
        registry.save(layout, routes.with_address(name, record.address))
    return record


def _place(layout: Layout, request: Request, record: Record, upload: Upload) -> Record:
    """Move an upload to where its instance belongs, with all that belongs to it."""
    tree = layout.staged(upload.name)
    if not tree.is_dir():
        raise NodeError(f"the upload {tree} is gone; run the update again")
    apps.restrict(tree, record.app)
    referenced = registry.load(layout).referenced(record.app)
    before = upload.expected or instances.newest(referenced)
    base = layout.www / before if before else None
    files = manifest.make(tree, base, manifest.load(layout, before) or {})
    manifest.save(layout, record.instance, files)
    bytecode.provide(tree, base)
    tree.rename(layout.www / record.instance)
    given = app_config.staged(layout, upload.name) if upload.config else None
    app_config.provide(layout, request, record, given)
    size = sum(entry.size for entry in files.values())
    return replace(record, files=len(files), bytes=size)


def _try(layout: Layout, request: Request, record: Record, settings: Settings) -> None:
    variables = instances.environment(layout, record, request.location, settings)
    env = instances.env_path(layout, record.instance)
    atomic.write(env, instances.env_text(variables), mode=0o600)
    units.install(layout, request.app)
    Trial(layout, settings, record.instance, variables, record.plan).run()


def _serve(layout: Layout, request: Request, record: Record, settings: Settings) -> None:
    """Write the registry and move the routes; both go back if either fails.

    The registry decides: whatever kills this, the next `prepare` moves the routes to what it says.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with locks.of_routes(layout):
        old = registry.load(layout)
        new = old.switched(request.location, request.app, record.instance, now)
        varnish.load(layout, new, request.app, settings)
        interrupts.ignore()
        units.enable(record.instance)
        instances.save(layout, replace(record, active_since={request.location: now}))
        try:
            registry.save(layout, new)
            varnish.apply(layout, new, settings)
        except BaseException:
            varnish.apply(layout, old, settings)
            registry.save(layout, old)
            raise


def _tidy_up(
    layout: Layout, request: Request, before: str, settings: Settings
) -> tuple[list[str], list[str]]:
    """Put away what the switch left over; nothing that fails here undoes the switch.

    Returns:
        The instances that were removed, and warnings of what could not be done.
    """
    try:
        if before:
            removal.retire(layout, before, settings.warm_seconds)
        removed = removal.prune(layout, request.app, settings.keep_instances)
        with locks.of_routes(layout):
            varnish.discard_unused(layout, registry.load(layout), settings)
    except (NodeError, OSError) as error:
        return [], [f"{request.location} is switched, but not everything old could go: {error}"]
    return removed, []
