"""Run by every Python of an application while it starts: gives it the application's paths.

A node has a link to this file beside the package, in a directory that is on PYTHONPATH. There it
takes the place of the distribution's own sitecustomize, on purpose: all that one does is to
install Ubuntu's crash reporter, which wants to write where an application may not.
"""

import os
import sys


def _activate(app_dir: str) -> None:
    try:
        from silversupport.paths import activate

        activate(app_dir)
    except BaseException as error:  # noqa: BLE001 (the interpreter ends here)
        from silversupport.tracebacks import describe

        # CPython would print one line and go on without the application's paths
        # (site.execsitecustomize), and turn SystemExit into a fatal error of its own.
        sys.stderr.write(describe(error))
        sys.stderr.flush()
        os._exit(1)


# A Python inside Apache has no command line. There silversupport.startup does this, and reports.
if sys.orig_argv and os.environ.get("SILVER_INSTANCE_DIR"):
    _activate(os.environ["SILVER_INSTANCE_DIR"])
