"""An application's directory, checked as a whole before anything is uploaded."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silverlining.app import app_ini, portability
from silverlining.app.app_ini import AppIni, AppIniError
from silverlining.app.compiled import CompiledModule
from silverlining.app.locations import Location
from silversupport.errors import SilverError


class AppError(SilverError):
    """An application cannot be deployed as it is.

    Attributes:
        problems: everything that must be put right, a line each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Application:
    """An application that has passed every check that can be made without a node.

    Attributes:
        directory: its root, absolute and without symbolic links.
        name: `app_name`.
        runner: as in `app.ini`; None for a static site.
        default_location: where it is served if nothing else is said.
        services: the value of each service that it asks for, by the service's name.
        packages: names of the distribution's packages, and paths of `.deb` files in `directory`.
        update_fetch: URL paths, and `script:PATH ARGS`.
        update_mode: how visitors are kept out meanwhile: `maintenance`, `read-only`; None for not.
        check_url: the URL path that must answer 2xx; None stands for `/` below 500.
        config: the `config.*` keys, by what follows the dot.
        crons: `SCHEDULE COMMAND` by name.
        workers: `script:PATH ARGS` by name.
        warnings: what its developer should know, a line each.
        modules: its compiled modules, for `compiled.unloadable`.
    """

    directory: Path
    name: str
    runner: str | None
    default_location: Location | None
    services: dict[str, str]
    packages: tuple[str, ...]
    update_fetch: tuple[str, ...]
    update_mode: str | None
    check_url: str | None
    config: dict[str, str]
    crons: dict[str, str]
    workers: dict[str, str]
    warnings: tuple[str, ...]
    modules: tuple[CompiledModule, ...]

    def plan(self) -> dict[str, Any]:
        """Return what a node must know of the application, as data for JSON."""
        return {
            "name": self.name,
            "runner": self.runner,
            "default_location": str(self.default_location) if self.default_location else None,
            "services": dict(self.services),
            "packages": list(self.packages),
            "update_fetch": list(self.update_fetch),
            "update_mode": self.update_mode,
            "check_url": self.check_url,
            "config": dict(self.config),
            "crons": dict(self.crons),
            "workers": dict(self.workers),
            "has_static": (self.directory / "static").is_dir(),
        }


def load(directory: Path, services: Collection[str]) -> Application:
    """Read an application and check everything that can be checked before an upload.

    Args:
        directory: the application's root.
        services: the names of the services there are.

    Raises:
        AppError: with every problem at once. When `app.ini` cannot be read they are not looked
            for: it may be any directory.
    """
    if not directory.is_dir():
        raise AppError([f"{directory}: there is no such directory"])
    root = Path(os.path.realpath(directory))
    try:
        ini = app_ini.read(root, services)
    except AppIniError as error:
        raise AppError([str(error)]) from error
    findings = portability.check(root)
    problems = [*ini.problems, *findings.problems]
    if problems:
        raise AppError(problems)
    warnings = (*ini.warnings, *findings.warnings)
    return _build(root, ini, warnings, tuple(findings.modules))


def _build(
    directory: Path, ini: AppIni, warnings: tuple[str, ...], modules: tuple[CompiledModule, ...]
) -> Application:
    values = ini.values
    location = values.get("default_location")
    return Application(
        directory=directory,
        name=values["app_name"],
        runner=values.get("runner"),
        default_location=Location.parse(location) if location else None,
        services=ini.group("service"),
        packages=ini.lines("packages"),
        update_fetch=ini.lines("update_fetch"),
        update_mode=values.get("update_mode"),
        check_url=values.get("check_url"),
        config=ini.group("config"),
        crons=ini.group("cron"),
        workers=ini.group("worker"),
        warnings=warnings,
        modules=modules,
    )
