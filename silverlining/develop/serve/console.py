"""What the user of `silver serve` is told on the terminal."""

import signal
from collections.abc import Collection
from pathlib import Path

import click

from silverlining.develop.serve import installed
from silverlining.develop.serve.preparation import Prepared

NAMES = 3
"""So many files are named when more change at once."""


def note(message: str) -> None:
    """Tell something, apart from what the application prints."""
    click.echo(f"silver: {message}", err=True)


def warn(prepared: Prepared) -> None:
    """Tell what the developer should know."""
    for warning in prepared.application.warnings:
        note(f"warning: {warning}")
    if names := installed.missing(prepared.application.packages):
        command = f"sudo apt-get install {' '.join(names)}"
        note(f"warning: packages of app.ini that this machine does not have; type: {command}")


def warn_of_writing(path: Path) -> None:
    """Tell that the application writes where it may not on a node."""
    note(f"warning: the application writes {path}, which it may not on a node; see service.files")


def tell_ready(prepared: Prepared, url: str) -> None:
    """Tell where the application is served."""
    click.echo(f"{url}/ serves {prepared.application.name}, by {prepared.python}; Ctrl-C ends it")


def tell_again(changed: Collection[Path], directory: Path, seconds: float) -> None:
    """Tell that the application was started again, and why."""
    # Editors write to a file of another name first, which is gone by now.
    present = [path for path in changed if path.exists()]
    names = sorted(_short(path, directory) for path in present or changed)
    if len(names) > NAMES:
        names[NAMES:] = [f"{len(names) - NAMES} more"]
    note(f"{', '.join(names)} changed; started again in {seconds:.2f} s")


def pass_on(errors: str) -> None:
    """Show what Python wrote to standard error."""
    click.echo(errors, nl=False, err=True)


def end_of(status: int) -> str:
    """Return how the application's process ended, as a sentence."""
    if status < 0:
        return f"the application's process was ended by {signal.Signals(-status).name}"
    return f"the application's process ended with exit status {status}"


def _short(path: Path, directory: Path) -> str:
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)
