"""The environment variables that every process of an application has."""

import os

from silversupport.errors import SilverError


class MissingVariable(SilverError):
    """This Python was not started in an application's environment."""


def variable(name: str) -> str:
    """Return the environment variable `name`; raise `MissingVariable` when it is unset or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise MissingVariable(
            f"{name} is not set: this Python was not started in an application's environment. "
            "Start it with `silver run` (on a node) or `silver serve` (here)."
        )
    return value


def is_production() -> bool:
    """Tell whether this process runs on a node (and not on somebody's laptop)."""
    return os.environ.get("SILVER_VERSION", "").startswith("silverlining/")
