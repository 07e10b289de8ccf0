"""`service.files` in development: a directory under the user's data directory."""

# ruff: noqa: PTH111, PTH118 (see silversupport.data)
import os
from collections.abc import Mapping

from silversupport.data import made

VARIABLES = ("CONFIG_FILES",)


def environment(
    app_name: str, directory: str, given: Mapping[str, str], provide: bool
) -> dict[str, str]:
    """Return the variables of `roles/service_files/templates/env.j2`."""
    chosen = given.get("CONFIG_FILES") or os.path.join(directory, "files")
    return {"CONFIG_FILES": made(os.path.expanduser(chosen))}
