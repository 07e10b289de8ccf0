"""The command that begins an application."""

import os
import shlex
from pathlib import Path

import click

from silverlining.app import app_ini
from silverlining.develop import app_environment, app_python, new_app
from silverlining.develop.app_environment import Python
from silverlining.develop.new_app import InitError

NODE = "Ubuntu 24.04"
NODE_PYTHON = "3.12"
"""What such a node has, https://packages.ubuntu.com/noble/python3; a local one may be a Debian."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--template",
    type=click.Choice(new_app.templates()),
    help="Begin with an application that works. [default: a file that says hello]",
)
@click.option("--name", help="Its app_name. [default: made from DIR's name]")
@click.option(
    "--python",
    metavar="PROGRAM",
    help="The Python that it gets, such as python3.12. [default: DIR's own, or /usr/bin/python3]",
)
@click.option("--force", is_flag=True, help="Write into a directory that is not empty.")
def init(
    directory: Path, template: str | None, name: str | None, python: str | None, force: bool
) -> int:
    """Begin an application.

    Makes DIR a virtual environment whose bin/pip installs into lib/python, and whose every Python
    has the environment that the application will find on a node.

    In the DIR of an application that is there already, cloned from a colleague say, it makes only
    the environment, which is neither uploaded nor under version control.

    \b
    Example: silver init polls
             silver init polls --template django
    """
    root = Path(os.path.abspath(directory))  # noqa: PTH100 - it keeps the name that it goes by
    if os.path.lexists(root) and not root.is_dir():
        raise InitError(f"{directory} is a file: an application is a directory")
    chosen = app_environment.find_python(python or str(app_python.interpreter(root)))
    if problem := app_environment.problem(root, chosen):
        raise InitError(problem)
    if os.path.lexists(root / app_ini.FILE) and not template:
        _renew(root, directory, name, chosen)
        return 0
    name = _begin(root, template or new_app.PLAIN, name, chosen, force)
    requirements = root / new_app.REQUIREMENTS
    if requirements.exists() and app_environment.install(root, requirements):
        raise InitError(
            f"pip could not install the libraries of {requirements}, see above. The rest is made; "
            f"to try again, type: {_typed(root / 'bin/pip')} install -r {_typed(requirements)}"
        )
    _say_what_is_next(directory, name)
    return 0


def _renew(root: Path, directory: Path, name: str | None, python: Python) -> None:
    """Make the environment of an application that is there, and nothing else."""
    if name:
        raise InitError(f"{directory} has an {app_ini.FILE}, which names it: leave --name out")
    new_app.write_missing(root, new_app.ignore_files())
    app_environment.make(root, python)
    click.echo(f"Made the environment of {directory} anew, with {_described(python)}.")
    _warn_of_another_python(python)


def _begin(root: Path, template: str, name: str | None, python: Python, force: bool) -> str:
    """Make an application; return its name."""
    if name and (problem := app_ini.name_problem(name)):
        raise InitError(f"--name: {problem}")
    name = name or new_app.name_for(root)
    planned = new_app.from_template(template, name)
    overwritten = new_app.check(root, planned, force)
    new_app.write(root, planned)
    app_environment.make(root, python)
    click.echo(f"Made the application {name}, with {_described(python)}.")
    for path in overwritten:
        click.echo(f"Overwrote {path}.")
    _warn_of_another_python(python)
    return name


def _described(python: Python) -> str:
    return f"Python {python.version} ({python.path})"


def _warn_of_another_python(python: Python) -> None:
    if python.version != NODE_PYTHON:
        click.echo(
            f"A node with {NODE} has Python {NODE_PYTHON}. What bin/pip installs works there too, "
            "but for libraries with compiled modules: 'silver update' names those that do not."
        )


def _say_what_is_next(directory: Path, name: str) -> None:
    location = new_app.host_for(name)
    click.echo(f"Next:\n  silver serve {_typed(directory)}")
    click.echo(f"  silver update {_typed(directory)} {location}.test")


def _typed(path: Path) -> str:
    return shlex.quote(str(path))
