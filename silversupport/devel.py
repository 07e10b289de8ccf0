"""The environment of an application in development: what `silver-node` gives it on a node."""

# ruff: noqa: PTH100, PTH118, PTH123 (see silversupport.data)
import os
import re
from collections.abc import Callable
from configparser import Error as ParserError

from silversupport import VERSION, data, service
from silversupport.devel_conf import overrides, parser_of
from silversupport.errors import SilverError

APP_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
SERVICE = "service."


class DevelError(SilverError):
    """A directory cannot be run as an application."""


def environment(
    app_dir: str,
    config_dir: str = "",
    host: str = "localhost",
    provide: bool = False,
    missing: Callable[[SilverError], None] | None = None,
) -> dict[str, str]:
    """Return the variables that every process of an application has in development.

    What an application writes goes to directories of its own under the user's data directory,
    which are made, and stay.

    Args:
        app_dir: the application's root.
        config_dir: its deployment configuration; by default `config.default` of its `app.ini`, or
            an empty directory.
        host: what the application takes for its host name.
        provide: whether services may be created and checked; if not, it is quick and only looks.
        missing: told why a service cannot be had, whose variables are then left out.

    Raises:
        SilverError: `app.ini` or `~/.silverlining.conf` cannot be used, or a service cannot be had
            and nobody is to be told.
    """
    root = os.path.abspath(app_dir)
    values = _app_ini(root)
    app_name, names = _needs(values)
    directory = data.devel_dir(app_name)
    variables = {
        "SILVER_VERSION": f"devel/{VERSION}",
        "SILVER_APP_NAME": app_name,
        "SILVER_INSTANCE_NAME": f"{app_name}.devel",
        "SILVER_INSTANCE_DIR": root,
        "SILVER_CANONICAL_HOSTNAME": host,
        "SILVER_APP_CONFIG": _config_dir(config_dir, values.get("config.default"), root, directory),
        "SILVER_LOGS": data.made(os.path.join(directory, "logs")),
        "SILVER_RUNNER": values.get("runner") or "",
        "STATIC_URL": "/",
    }
    variables["TEMP"] = variables["TMPDIR"] = data.made(os.path.join(directory, "tmp"))
    given = overrides(app_name) if names else {}
    for name in names:
        try:
            variables |= service.environment(name, app_name, directory, given, provide)
        except SilverError as error:
            if missing is None:
                raise
            missing(error)
    return variables


def needs(app_dir: str) -> tuple[str, list[str]]:
    """Return the name of an application and the names of the services that it asks for.

    Raises:
        DevelError: the directory has no usable `app.ini`.
    """
    return _needs(_app_ini(os.path.abspath(app_dir)))


def _needs(values: dict[str, str | None]) -> tuple[str, list[str]]:
    names = [key.removeprefix(SERVICE) for key in values if key.startswith(SERVICE)]
    return values["app_name"] or "", names


def _config_dir(given: str, default: str | None, root: str, directory: str) -> str:
    if given:
        return os.path.abspath(given)
    return os.path.join(root, default) if default else data.made(os.path.join(directory, "config"))


def _app_ini(root: str) -> dict[str, str | None]:
    """Return section `[production]` of the `app.ini`, which `silver update` checks in full."""
    file = os.path.join(root, "app.ini")
    parser = parser_of(("=", ":"), "DEFAULT")  # as silverlining.app.app_ini
    try:
        with open(file, encoding="utf-8-sig") as text:
            parser.read_file(text)
        values: dict[str, str | None] = dict(parser.items("production"))
    except OSError as error:
        raise DevelError(f"{file}: {error.strerror}.") from error
    # AttributeError before Python 3.13: https://github.com/python/cpython/issues/107625
    except (ParserError, AttributeError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise DevelError(f"{file}: it is no app.ini ({problem}).") from error
    if not APP_NAME.fullmatch(values.get("app_name") or ""):
        raise DevelError(f"{file}: app_name is missing, or is no name of an application.")
    return values
