"""What a service gives an application in development: one module for each, found by its name.

A module `NAME` of this package stands for `service.NAME` of an `app.ini`. It has

- `VARIABLES`: the names that may be set in `~/.silverlining.conf`;
- `environment(app_name, directory, given, provide)`, which returns the variables that
  `roles/service_NAME/templates/env.j2` has on a node. Its arguments are the application's name,
  the directory of its data (made when something is put there), what the user set of `VARIABLES`,
  and whether it may create and check something (`silver serve`) or is to be quick and only to
  look (every Python of the application).
"""

# ruff: noqa: PTH208 (see silversupport.data)
import os
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from silversupport.errors import SilverError


class ServiceError(SilverError):
    """A service cannot be given to an application in development."""


def environment(
    name: str, app_name: str, directory: str, overrides: Mapping[str, str], provide: bool
) -> dict[str, str]:
    """Return the variables of one service.

    Args:
        name: the service, what follows `service.` in the application's `app.ini`.
        app_name: the application.
        directory: the directory of its data in development.
        overrides: what the user set, variables of other services too.
        provide: whether something may be created and checked.

    Raises:
        ServiceError: there is no such service, or it cannot be had.
    """
    module = _load(name)
    given = {key: overrides[key] for key in module.VARIABLES if key in overrides}
    found: dict[str, str] = module.environment(app_name, directory, given, provide)
    return found


def names() -> list[str]:
    """Return the names of all services."""
    files = {file for place in __path__ for file in os.listdir(place)}
    return sorted(
        file.removesuffix(".py") for file in files if file[0].isalpha() and file.endswith(".py")
    )


def variables() -> list[str]:
    """Return the names of the variables that may be set, of all services."""
    return sorted({variable for name in names() for variable in _load(name).VARIABLES})


def _load(name: str) -> ModuleType:
    known = names()
    if name not in known:
        raise ServiceError(f"there is no service {name!r}; the services are {', '.join(known)}.")
    return import_module(f"{__name__}.{name}")
