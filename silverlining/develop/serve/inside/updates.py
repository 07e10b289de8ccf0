"""`update_fetch`: what an application wants to be done before it is visited."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from webob import Request

from silverlining.develop.serve.inside.settings import Settings

SCRIPT = "script:"
NOTE = "silver: update_fetch = {line} {problem}; it is served all the same\n"


def run(
    lines: Sequence[str], app: WSGIApplication, environment: Mapping[str, str], settings: Settings
) -> bool:
    """Carry out the lines in their order, up to the first that fails.

    Args:
        lines: `script:PATH ARGS`, and URL paths.
        app: the application, with all that stands in front of it.
        environment: for the scripts, without what the application has put there by now.
        settings: where the application is, and where it is served.

    Returns:
        Whether all of them succeeded.
    """
    for line in lines:
        if line.startswith(SCRIPT):
            problem = _script(line, environment, settings.app_dir)
        else:
            problem = _fetch(line, app, settings.url)
        if problem:
            sys.stderr.write(NOTE.format(line=line, problem=problem))
            return False
    return True


def _script(line: str, environment: Mapping[str, str], app_dir: str) -> str | None:
    script, *arguments = shlex.split(line.removeprefix(SCRIPT))
    path = os.path.join(app_dir, script)  # noqa: PTH118
    program = [sys.executable, path] if path.endswith(".py") else [path]
    sys.stderr.write(f"{line}\n")
    try:
        done = subprocess.run([*program, *arguments], cwd=app_dir, env=environment, check=False)
    except OSError as error:
        return f"cannot be run ({error.strerror})"
    return f"ended with exit status {done.returncode}" if done.returncode else None


def _fetch(path: str, app: WSGIApplication, url: str) -> str | None:
    """Ask the application in this process: nobody else is let in before this is done."""
    environ = {"REQUEST_URI": path, "silverlining.update": True, "wsgi.multithread": True}
    status = _status(app, Request.blank(path, base_url=url, environ=environ).environ)
    return None if status.startswith("2") else f"answered {status[:3]}, not 2xx"


def _status(app: WSGIApplication, environ: WSGIEnvironment) -> str:
    """Return the status of an answer, which is certain only when all of it was made."""
    status = ""

    def start_response(given: str, *_rest: Any) -> Callable[[bytes], object]:
        nonlocal status
        status = given
        return lambda _data: None

    chunks = app(environ, start_response)
    try:
        for _chunk in chunks:
            pass
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    return status
