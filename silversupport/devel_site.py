"""Run by every Python of an application on a laptop while it starts.

`silver init` makes an application a virtual environment, whose `site-packages` is `lib/python`,
and puts a `.pth` file there that runs `start`. On a node `sitecustomize` does this alone: there
systemd sets the variables.
"""

# ruff: noqa: PTH112, PTH113, PTH118, PTH119 (see silversupport.paths)
import os
import sys

STARTER = "silver_devel.pth"
"""The file in `lib/python` that runs `start`; it is no other Python's business."""

DISTRIBUTION = "/usr/lib/python3/dist-packages"
"""Where Debian and Ubuntu put Python packages: a node's applications see them."""

PIP = "SILVER_PIP"
"""Set by pip for the programs that it starts: these build a library, and see nothing of the app."""

_started = False


def start() -> None:
    """Give this Python what a node gives an application: its variables, its paths, its packages.

    A pip instead is made to see and to fill `lib/python`, and nothing else of the application: it
    must work when the application does not.
    """
    global _started  # the file that calls this is read again, by `site` and by `paths.activate`
    app_dir = sys.prefix
    if _started or not os.path.isfile(os.path.join(app_dir, "lib", "python", STARTER)):
        return
    _started = True
    if _is_pip(sys.orig_argv[1:]):
        from silversupport import devel_pip

        devel_pip.prepare(app_dir)
    elif not os.environ.get(PIP):
        _set_variables(app_dir)
        _activate(app_dir)


def _is_pip(arguments: list[str]) -> bool:
    """Tell whether a command line is `python -m pip` or how pip starts itself once more."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if argument == "-m":
            return following == "pip"
        if not argument.startswith("-"):
            return os.path.basename(argument) in ("__pip-runner__.py", "pip", "pip3")
        if argument == "-c":
            return False
    return False


def _set_variables(app_dir: str) -> None:
    """Set the variables of the application, unless a parent process, or its user, has done so.

    Those of another application are no reason to stop.
    """
    given = os.environ.get("SILVER_INSTANCE_DIR", app_dir)
    same = os.path.realpath(given) == os.path.realpath(app_dir)
    if os.environ.get("SILVER_APP_NAME") and same:
        return
    from silversupport import devel
    from silversupport.errors import SilverError

    os.environ["SILVER_INSTANCE_DIR"] = app_dir
    try:
        os.environ.update(devel.environment(app_dir, missing=_warn))
    except SilverError as error:
        _warn(error)


def _activate(app_dir: str) -> None:
    """Do what every Python does on a node, then add the packages of the distribution."""
    os.environ.setdefault("SILVER_INSTANCE_DIR", app_dir)
    import silversupport.sitecustomize  # noqa: F401 - importing it does it

    if sys.base_prefix == "/usr" and os.path.isdir(DISTRIBUTION):
        import site

        site.addsitedir(DISTRIBUTION)


def _warn(error: BaseException) -> None:
    sys.stderr.write(f"silver: {error}\n")
