"""The second half of a deploy: an upload becomes an instance, is tried, and is served."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from silvernode import apps, instances, interrupts, jobs, locks
from silvernode import settings as node_settings
from silvernode.data import mending, safeguard
from silvernode.data.journal import Journal
from silvernode.data.safeguard import Guard
from silvernode.deploy import app_config, bytecode, manifest, preparation, removal, switching
from silvernode.deploy.request import Request, Upload
from silvernode.errors import NodeError
from silvernode.instances import Record
from silvernode.layout import Layout
from silvernode.routing import registry
from silvernode.routing.registry import Registry
from silvernode.settings import Settings


def switch(
    layout: Layout,
    request: Request,
    upload: Upload,
    agree: Callable[[str], None] = lambda instance: None,
) -> dict[str, Any]:
    """Make an upload an instance, try it, and serve it.

    Args:
        layout: the node's paths.
        request: which app, where.
        upload: what was uploaded.
        agree: called once the instance has passed its trial; returns when it may be served, and
            raises a NodeError if it may not, for the other nodes of its set.

    Returns:
        The new instance, the one before it, and what `silvernode.deploy.switching.tidy_up` returns.

    Raises:
        NodeError: the site goes on as it was, and nothing of the upload is left.
        OSError: the same, for a reason such as a full disk.
    """
    try:
        with locks.of_app(layout, request.app, request.owner, f"updating {request.location}"):
            settings = node_settings.load(layout)
            told = mending.mend(layout, settings, request.app)
            _check_expected(registry.load(layout), request, upload.expected)
            with (
                _new_instance(layout, request, upload) as record,
                _guarded(layout, request, upload, record, settings) as guard,
            ):
                switching.start(layout, record, request.location, settings, update=upload.leader)
                agree(record.instance)
                guard.release()
                switching.serve(layout, {request.location: record}, settings)
            app_config.forget_restored(layout, request.app)
            before = [upload.expected] if upload.expected else []
            tidied = switching.tidy_up(layout, request.app, before, settings)
    finally:
        interrupts.ignore()
        removal.abandon(layout, upload.name)
    return {
        "instance": record.instance,
        "previous": upload.expected,
        **tidied,
        "warnings": [*told, *guard.warnings, *tidied["warnings"]],
    }


def _guarded(
    layout: Layout, request: Request, upload: Upload, record: Record, settings: Settings
) -> AbstractContextManager[Guard]:
    """Have the app's data be as it was before, should the update fail."""
    routes = registry.load(layout)
    before = routes.active(request.location) or instances.newest(routes.active_of(request.app))
    # Nobody visits an app before its first update.
    mode = request.plan.get("update_mode") or "" if before else ""
    change = Journal(request.app, request.location, before, record.instance, mode)
    reason = f"before the update to {record.instance}"
    needed = upload.leader and bool(request.plan["update_fetch"])
    return safeguard.guarded(layout, settings, change, reason, needed=needed)


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
    name = _name(layout, request, upload, now)
    try:
        record = _register(layout, request, upload, name, now)
        record = _place(layout, request, record, upload)
        jobs.check(layout, record)
        yield record
    except BaseException:
        interrupts.ignore()
        # It is in use where even putting the routes back has failed.
        if name not in registry.load(layout).referenced(request.app):
            removal.remove(layout, name)
        raise


def _name(layout: Layout, request: Request, upload: Upload, now: datetime) -> str:
    """Return the name of the new instance.

    Raises:
        NodeError: the name that it is to have on all nodes of its set was given already.
    """
    lowest = preparation.next_name(layout, request.app, now)
    name = upload.instance or lowest
    if not instances.NAME.fullmatch(name) or instances.newest([name, lowest]) != name:
        raise NodeError(
            f"{name} cannot be the name of a new instance here, {lowest} would be the next; some"
            " other update was faster: run this one again"
        )
    return name


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
            configuration=preparation.configuration(layout, request),
            config=app_config.origin(layout, request, upload.config),
            revisions=upload.revisions,
            leader=upload.leader,
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
