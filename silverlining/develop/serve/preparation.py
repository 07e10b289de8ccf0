"""What is done before an application is started, and again when its `app.ini` changes."""

from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

from silverlining.app import application
from silverlining.app.application import Application
from silverlining.develop import app_python, config_checker
from silverlining.develop.config_checker import ConfigError
from silverlining.develop.devel_services import Report
from silversupport import service


@dataclass(frozen=True)
class Prepared:
    """An application that can be started.

    Attributes:
        application: what its directory says.
        python: the Python that runs it.
        environment: the variables of its processes.
    """

    application: Application
    python: Path
    environment: Mapping[str, str]

    @property
    def writable_roots(self) -> tuple[str, ...]:
        """The directories whose files go after `static/`."""
        root = self.environment.get("CONFIG_WRITABLE_ROOT")
        host = self.environment["SILVER_CANONICAL_HOSTNAME"]
        return (f"{root}/{host}", root) if root else ()


def prepare(directory: Path, config: Path | None, report: Report) -> Prepared:
    """Check an application, provide its services, and check its configuration.

    Args:
        directory: the application's root.
        config: a directory with its deployment configuration, if one was given.
        report: Told what is going on, when it takes long.

    Raises:
        SilverError: something is wrong with it; all that is, where it can be told at once.
    """
    found = application.load(directory, service.names())
    if config is None and _is_required(found):
        raise ConfigError(
            "app.ini: config.required: this application needs a configuration; "
            "give one with --config DIR"
        )
    python = app_python.interpreter(found.directory)
    environment = app_python.environment(found.directory, config, report)
    prepared = Prepared(found, python, environment)
    _check(prepared)
    return prepared


def _is_required(found: Application) -> bool:
    return ConfigParser.BOOLEAN_STATES.get(found.config.get("required", "").lower(), False)


def _check(prepared: Prepared) -> None:
    if checker := prepared.application.config.get("checker"):
        root = prepared.application.directory
        config_checker.run(root, checker, prepared.python, prepared.environment)
