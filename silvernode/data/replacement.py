"""All data of an app is replaced at once, and put back if the app does not work with the new.

What replaces it lies beside it already. Visitors are kept out for the moments that this takes, in
which the app's processes are stopped, since what they have open would not be its data any more.
Whatever kills it, `mend` puts everything back: the watcher that is started with it, the next
command that changes the app, or the node's next boot calls it (`silvernode.data.mending`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from silvernode import instances, interrupts, jobs, locks, units
from silvernode import settings as node_settings
from silvernode.data import pending, services, work
from silvernode.data.exchange import Paths, Replaceable
from silvernode.data.pending import Pending
from silvernode.deploy import app_config
from silvernode.deploy.trial import Trial
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import closings, maintenance, registry, varnish
from silvernode.settings import Settings

RESTORE = "restore"
"""The purpose of a restore's directory, see `silvernode.data.work`."""


@dataclass(frozen=True)
class Replacement:
    """What is replaced, and by what; see `silvernode.data.exchange.Replaceable`.

    Attributes:
        app: whose it is.
        services: the names of the services; each has been staged.
        secret: whether the secret is, too.
        configured: the instance whose configuration is, too; empty for none.
        first: a configuration that waits for the app's first instance; None for none.
        must_work: whether the app has to work with it, or everything is put back.
    """

    app: str
    services: Sequence[str]
    secret: bool = False
    configured: str = ""
    first: Paths | None = None
    must_work: bool = True


@contextmanager
def prepared(layout: Layout, app: str) -> Iterator[None]:
    """Put copies beside an app's data and replace it; nothing of them is left, however it ends.

    To be called under the app's lock and that of its data.
    """
    mend(layout, app)
    pending.save(layout, Pending(app))
    try:
        units.watch(f"mend-{app}", "mend", app)
        yield
    except BaseException:
        mend(layout, app)
        raise


def carry_out(layout: Layout, wanted: Replacement) -> list[str]:
    """Replace data of an app by what is beside it; to be called in the block of `prepared`.

    Returns:
        Warnings of what does not work as it should now.

    Raises:
        NodeError: the app has what it had, and serves as before.
        OSError: the same, for a reason such as a full disk.
    """
    settings = node_settings.load(layout)
    parts = _parts(layout, wanted.app, wanted.services, wanted.secret, wanted.configured)
    before = _noted(layout, wanted, parts)
    pending.save(layout, before)
    with (
        maintenance.closed(layout, wanted.app, closings.MAINTENANCE, settings),
        _undone_if_it_fails(layout, wanted.app),
    ):
        _stop(layout, before)
        _swap(layout, wanted, parts)
        warnings = _start(layout, before, settings, must_work=wanted.must_work)
        interrupts.ignore()
        pending.save(layout, Pending(wanted.app))
        if wanted.first:
            wanted.first.put()
    return [*warnings, *jobs.follow(layout, wanted.app), *_tidy_up(layout, wanted.app)]


def mend(layout: Layout, app: str) -> bool:
    """Undo a replacement that did not come to its end, if there is one.

    To be called under the app's lock and that of its data; safe to repeat.

    Returns:
        Whether there was one.

    Raises:
        NodeError: it could not be undone; the next call tries again.
    """
    before = pending.load(layout, app)
    if before is None:
        pending.remove(layout, app)  # what a killed `save` may have left
        return False
    interrupts.ignore()
    if before.begun:
        _undo(layout, before)
        pending.save(layout, Pending(app))
    with locks.of_routes(layout):  # Visitors may still be kept out, by one that was killed.
        varnish.apply(layout, registry.load(layout), node_settings.load(layout))
    jobs.follow(layout, app)
    _sweep(layout, app)
    return True


@contextmanager
def _undone_if_it_fails(layout: Layout, app: str) -> Iterator[None]:
    """Put everything back as long as visitors are kept out."""
    try:
        yield
    except BaseException:
        mend(layout, app)
        raise


def _parts(
    layout: Layout,
    app: str,
    names: Sequence[str] | Mapping[str, str],
    secret: bool,
    configured: str,
) -> dict[str, Replaceable]:
    found = services.of_app(layout, app)
    if missing := sorted(set(names) - set(found)):
        raise NodeError(f"{app} does not have service.{missing[0]} on this node")
    parts: dict[str, Replaceable] = {f"service {name}": found[name] for name in names}
    if secret:
        parts["secret"] = Paths.beside(layout.data("secret", app))
    if configured:
        parts["config"] = Paths.beside(app_config.path(layout, configured))
    return parts


def _identities(before: Pending) -> dict[str, str]:
    known = {f"service {name}": identity for name, identity in before.services.items()}
    return {**known, "secret": before.secret, "config": before.config}


def _noted(layout: Layout, wanted: Replacement, parts: Mapping[str, Replaceable]) -> Pending:
    record = instances.load(layout, wanted.configured) if wanted.configured else None
    names = instances.on_disk(layout, wanted.app)
    return Pending(
        app=wanted.app,
        begun=True,
        services={name: parts[f"service {name}"].identity() for name in wanted.services},
        secret=parts["secret"].identity() if wanted.secret else "",
        configured=wanted.configured,
        config=parts["config"].identity() if wanted.configured else "",
        origin=record.config if record else "",
        running=[name for name in names if units.is_running(name)],
    )


def _stop(layout: Layout, before: Pending) -> None:
    """Stop all processes of the app; requests that are under way come to their end."""
    jobs.pause(layout, before.app)
    _stop_instances(layout, before.app)


def _stop_instances(layout: Layout, app: str) -> None:
    for instance in instances.on_disk(layout, app):
        if units.is_running(instance):
            units.stop_and_wait(instance)


def _swap(layout: Layout, wanted: Replacement, parts: Mapping[str, Replaceable]) -> None:
    for part in parts.values():
        part.swap()
    if wanted.configured:
        _set_origin(layout, wanted.configured, app_config.GIVEN)


def _undo(layout: Layout, before: Pending) -> None:
    """Put back what the app had, and start what ran."""
    app, known = before.app, _identities(before)
    parts = _parts(layout, app, before.services, bool(before.secret), before.configured)
    with suppress(NodeError):  # A job that does not end must not keep the rest from being undone.
        jobs.pause(layout, app)
    _stop_instances(layout, app)
    for name, part in parts.items():
        if part.identity() != known[name]:
            part.swap()
    if before.configured:
        _set_origin(layout, before.configured, before.origin)
    # What was switched to since, too: that does not find what it had open either.
    running = {*before.running, *registry.load(layout).active_of(app)}
    for instance in filter(partial(instances.load, layout), sorted(running)):
        units.start(instance)


def _tidy_up(layout: Layout, app: str) -> list[str]:
    """Remove what was replaced; a warning where that fails, since all else is done."""
    try:
        _sweep(layout, app)
    except (NodeError, OSError) as error:
        return [f"not everything that {app} had before could be removed: {error}"]
    return []


def _sweep(layout: Layout, app: str) -> None:
    """Remove whatever lies beside the app's data, and the note that something may."""
    for service in services.of_app(layout, app).values():
        service.discard()
    Paths.beside(layout.data("secret", app)).discard()
    for instance in instances.on_disk(layout, app):
        Paths.beside(app_config.path(layout, instance)).discard()
    Paths.beside(app_config.restored(layout, app)).discard()
    work.remove(layout, app, RESTORE)
    pending.remove(layout, app)


def _set_origin(layout: Layout, instance: str, origin: str) -> None:
    record = instances.load(layout, instance)
    if record and record.config != origin:
        instances.save(layout, replace(record, config=origin))


def _start(layout: Layout, before: Pending, settings: Settings, *, must_work: bool) -> list[str]:
    """Start what ran and what has to run; what is active is checked.

    Returns:
        Which of it does not work, where it need not.
    """
    active = registry.load(layout).active_of(before.app)
    warnings = []
    for instance in sorted(active):
        try:
            _try(layout, instance, settings)
        except NodeError as error:
            if must_work:
                raise NodeError(
                    f"{instance} does not work with this data, so everything was put back: {error}",
                    error.output,
                ) from error
            warnings.append(f"{instance} does not work without its data: {error}")
            units.start(instance)
    for instance in sorted(set(before.running) - active):
        units.start(instance)
    return warnings


def _try(layout: Layout, instance: str, settings: Settings) -> None:
    record = instances.load(layout, instance)
    if record is None:
        raise NodeError(f"the record of {instance} is gone")
    variables = instances.load_environment(layout, instance)
    Trial(layout, settings, instance, variables, record.plan).run(update=False)
