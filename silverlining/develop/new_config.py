"""What `silver create-config` knows of an application, and its check of what was made."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from silverlining.app import app_ini
from silverlining.develop import app_python, config_checker
from silversupport import service
from silversupport.errors import SilverError


class NewConfigError(SilverError):
    """An application cannot be given a configuration, or refuses it."""


@dataclass(frozen=True)
class Subject:
    """An application with a configuration template.

    Attributes:
        directory: its root.
        name: `app_name`.
        location: `default_location`, if it has one.
        template: `config.template`.
        checker: `config.checker`, if it has one.
    """

    directory: Path
    name: str
    location: str | None
    template: str
    checker: str | None


def read(directory: Path) -> Subject:
    """Read of an application what a configuration is made from.

    Args:
        directory: its root.

    Raises:
        NewConfigError: its `app.ini` is wrong, or names no template.
        AppIniError: it cannot be read at all.
    """
    root = Path(os.path.realpath(directory))
    ini = app_ini.read(root, service.names())
    if ini.problems:
        raise NewConfigError("\n".join(ini.problems))
    if not ini.values.get("config.template"):
        raise NewConfigError(
            f"{directory / app_ini.FILE}: there is no config.template; name the directory with the"
            " templates there, or write the configuration by hand"
        )
    return Subject(
        directory=root,
        name=ini.values["app_name"],
        location=ini.values.get("default_location"),
        template=ini.values["config.template"],
        checker=ini.values.get("config.checker"),
    )


def check(subject: Subject, config: Path, note: Callable[[str], None]) -> None:
    """Run `config.checker`, if there is one and it can be run here.

    Args:
        subject: the application.
        config: the directory with its configuration.
        note: is told why it was not run.

    Raises:
        NewConfigError: it refuses the configuration, which stays where it is.
    """
    if not subject.checker:
        return
    try:
        variables = app_python.environment(subject.directory, config.absolute(), provide=False)
    except SilverError as error:
        note(f"config.checker was not run here, but will be by 'silver update': {error}")
        return
    python = app_python.interpreter(subject.directory)
    try:
        config_checker.run(subject.directory, subject.checker, python, variables)
    except config_checker.ConfigError as error:
        raise NewConfigError(f"{error}\nThe files stay; edit them, or use --force") from error
