"""The server in an application's process: waitress on the socket of the command's process."""

import logging
import os
import socket
import sys
import threading
import time
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import create_server, wasyncore

from silverlining.develop.serve.inside import (
    ending,
    failures,
    front,
    parent,
    reports,
    updates,
    writes,
)
from silverlining.develop.serve.inside.files import Files
from silverlining.develop.serve.inside.parent import Parent
from silverlining.develop.serve.inside.settings import Settings
from silversupport import runner
from silversupport.front import not_found
from silversupport.tracebacks import describe

IDLE_SECONDS = 1.0
THREADS = 15
"""As many as a process has on a node (roles/app)."""
FINISH_SECONDS = 0.3
"""How long the requests in progress may take when the process is to end."""
ASK_SECONDS = 0.1
"""How long the first request of a new connection is waited for then."""
BODY_BYTES = 1 << 30
"""As on a node (roles/apache)."""


def run(settings: Settings) -> int:
    """Serve until the process is asked to end; return its exit status."""
    for descriptor in (settings.listener, settings.messages, settings.parent):
        os.set_inheritable(descriptor, False)  # not for what the application starts
    ending.once()
    command = Parent(settings.messages, settings.parent)
    command.outlive_not()
    try:
        _serve(settings, command)
    except KeyboardInterrupt:
        return 0
    return 0


def _serve(settings: Settings, command: Parent) -> None:
    app = _stand_in(settings.failure) if settings.failure else _started(settings, command)
    # Errors of the application were shown already when waitress hears of them.
    logging.getLogger("waitress").propagate = False
    logging.getLogger("waitress").addHandler(logging.NullHandler())
    server = create_server(
        app,
        sockets=[socket.socket(fileno=settings.listener)],
        threads=THREADS,
        max_request_body_size=BODY_BYTES,
        ident=None,
    )
    ends = threading.Event()

    def end() -> None:
        ends.set()
        server.pull_trigger()

    # An exception in the midst of waitress would lose the connections that it has in its hands.
    ending.once(end)
    command.tell(parent.READY)
    while not ends.is_set():
        wasyncore.loop(timeout=IDLE_SECONDS, map=server._map, use_poll=True, count=1)
    _finish(server)


def _started(settings: Settings, command: Parent) -> WSGIApplication:
    """Load the application, carry out `update_fetch`, and return what serves it."""
    writes.watch(settings.app_dir, lambda path: command.tell(parent.WROTE, path))
    environment = dict(os.environ)
    try:
        loaded = _loaded(settings)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (SystemExit of a module, too)
        text = describe(error)
        sys.stderr.write(text)
        return _stand_in(text)
    files = Files(settings.app_dir, settings.writable_roots)
    app = reports.reported(front.in_front_of(files.before(failures.caught(loaded))))
    if settings.updates:
        command.tell(parent.UPDATING)
        done = updates.run(settings.updates, app, environment, settings)
        command.tell(parent.UPDATED if done else parent.NOT_UPDATED)
    return app


def _stand_in(failure: str) -> WSGIApplication:
    return reports.reported(failures.of_start(failure))


def _loaded(settings: Settings) -> WSGIApplication:
    return runner.load(settings.app_dir, settings.runner) if settings.runner else not_found


def _finish(server: Any) -> None:
    """Let nobody in any more, and requests in progress come to their end."""
    server.del_channel()
    server.socket.close()
    end = time.monotonic() + FINISH_SECONDS
    channels = server.active_channels
    while time.monotonic() < end and any(map(_is_busy, channels.values())):
        wasyncore.loop(timeout=0.02, map=server._map, use_poll=True, count=1)


def _is_busy(channel: Any) -> bool:
    """Tell whether somebody waits for an answer on a connection, or is about to ask."""
    is_new = channel.last_activity == channel.creation_time > time.time() - ASK_SECONDS
    return bool(is_new or channel.request or channel.requests or channel.total_outbufs_len)
