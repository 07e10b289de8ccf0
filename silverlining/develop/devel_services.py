"""What `silver serve` starts for an application before it runs it: services that need a node."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from silversupport import data, devel
from silversupport.devel_conf import overrides

Report = Callable[[str], None]


def provide(app_dir: Path, report: Report) -> None:
    """Get ready what `silversupport.devel.environment(..., provide=True)` cannot make by itself.

    The service NAME does so in the module `silverlining.develop.devel_NAME`, if there is one.

    Args:
        app_dir: the application's root.
        report: Told what is going on, when it takes long.

    Raises:
        SilverError: the application cannot be run, or a service cannot be had.
    """
    app_name, services = devel.needs(str(app_dir))
    for name in services:
        module = f"silverlining.develop.devel_{name}"
        if find_spec(module):
            given = overrides(app_name)
            import_module(module).provide(app_name, data.devel_dir(app_name), given, report)
