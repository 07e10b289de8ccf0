"""The start of an application in a process of its Apache, and the report about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from silversupport import hangs, output, paths, runner, traffic, update_variables
from silversupport.environment import variable
from silversupport.front import in_front_of, not_found
from silversupport.logged import logged
from silversupport.tracebacks import describe

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def start() -> WSGIApplication:
    """Load the application that the environment names, and report to SILVER_RUN_DIR.

    The report is an empty file `starting/PID`, and then an empty file `started/PID` or the file
    `failed` with what went wrong (of several processes that failed, the last one's). What is
    written from the start on, and such an error, goes to the app's log.
    """
    run_dir = Path(variable("SILVER_RUN_DIR"))
    written = output.capture(variable("SILVER_LOGS"), variable("SILVER_INSTANCE_NAME"))
    update_variables.take(run_dir)
    counted = traffic.of_process(run_dir)
    _note(run_dir / "starting")
    try:
        app = _load()
    except BaseException as error:  # noqa: BLE001 (SystemExit too: the process does not serve)
        text = describe(error)
        written.log.append({"stream": "error", "text": text})
        _write(run_dir / "failed", text)
        # Of this one mod_wsgi notes no traceback of its own, see silversupport.logged.
        raise SystemExit(1) from None
    hangs.watch()
    _note(run_dir / "started")
    return in_front_of(logged(app, written, counted), os.environ.get("SILVER_UPDATE_TOKEN", ""))


def _load() -> WSGIApplication:
    app_dir = variable("SILVER_INSTANCE_DIR")
    paths.activate(app_dir)
    chosen = os.environ.get("SILVER_RUNNER", "")
    return runner.load(app_dir, chosen) if chosen else not_found


def _note(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    (directory / str(os.getpid())).touch()


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8", errors="backslashreplace")
    draft.replace(path)
