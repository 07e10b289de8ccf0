"""`service.writable_root` in development: a directory under the user's data directory."""

# ruff: noqa: PTH111, PTH118 (see silversupport.data)
import os
from collections.abc import Mapping

from silversupport.data import made

VARIABLES = ("CONFIG_WRITABLE_ROOT",)


def environment(
    app_name: str, directory: str, given: Mapping[str, str], provide: bool
) -> dict[str, str]:
    """Return the variables of `roles/service_writable_root/templates/env.j2`."""
    chosen = given.get("CONFIG_WRITABLE_ROOT") or os.path.join(directory, "writable-root")
    return {"CONFIG_WRITABLE_ROOT": made(os.path.expanduser(chosen))}
