"""`service.postgis` in development: whose PostgreSQL an application uses, and its variables.

In this order: what the user set; the server on this machine's default socket; a server that
`silverlining.develop.devel_postgis` runs in a local node. Which of the last two it was is recorded
beside the application's data, so that these stay where they are, and so that a Python of the
application need not look.
"""

# ruff: noqa: PTH118, PTH123 (see silversupport.data)
import json
import os
from collections.abc import Mapping

from silversupport import data
from silversupport.service import ServiceError

SETTINGS = {
    "CONFIG_PG_DBNAME": "PGDATABASE",
    "CONFIG_PG_USER": "PGUSER",
    "CONFIG_PG_PASSWORD": "PGPASSWORD",
    "CONFIG_PG_HOST": "PGHOST",
    "CONFIG_PG_PORT": "PGPORT",
}
"""The variables that say where a database is, and what PostgreSQL's own programs call them."""

URL = "CONFIG_PG_SQLALCHEMY"
VARIABLES = (*SETTINGS, URL)

LOCAL = "local"
"""The server, in a record, that is this machine's own."""

SOCKET_DIR = "/var/run/postgresql"
PORT = "5432"


def environment(
    app_name: str, directory: str, given: Mapping[str, str], provide: bool
) -> dict[str, str]:
    """Return the variables of `roles/service_postgis/templates/env.j2`."""
    if given:
        settings = _completed(app_name, given)
        if provide and URL not in given:
            from silversupport.service import _psql

            _psql.check(settings)
        return settings
    server, settings = recorded(directory)
    if provide and server in (None, LOCAL):
        settings = provide_local(app_name, directory)
    return _completed(app_name, settings)


def recorded(directory: str) -> tuple[str | None, dict[str, str]]:
    """Return which server an application's database is on, and the settings to reach it.

    Returns:
        `LOCAL`, another name, or None if the application has no database yet.

    Raises:
        ServiceError: the record is damaged.
    """
    file = _record_file(directory)
    try:
        with open(file, encoding="utf-8") as text:
            found = json.load(text)
        return found["server"], found["settings"]
    except FileNotFoundError:
        return None, {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceError(f"{file} cannot be used ({error}); remove it.") from error


def record(directory: str, server: str, settings: Mapping[str, str]) -> None:
    """Record on which server an application's database is; the file is for its user only."""
    file = _record_file(data.made(directory))
    draft = f"{file}.{os.getpid()}"
    with open(draft, "w", encoding="utf-8", opener=_private) as text:
        json.dump({"server": server, "settings": dict(settings)}, text, indent=2)
    os.replace(draft, file)  # noqa: PTH105


def provide_local(app_name: str, directory: str) -> dict[str, str]:
    """Return how to reach the application's database on this machine's server, after making it.

    Raises:
        ServiceError: there is no such server, or it does not let this user make the database.
    """
    from silversupport.service import _psql

    try:
        settings = _psql.ensure(app_name)
    except ServiceError as error:
        if recorded(directory)[0] != LOCAL:
            raise
        raise ServiceError(
            f"{app_name} has its data in this machine's PostgreSQL, which cannot be used now: "
            f"{error} To begin with an empty database elsewhere, remove {_record_file(directory)}."
        ) from error
    record(directory, LOCAL, settings)
    return settings


def _record_file(directory: str) -> str:
    return os.path.join(directory, "postgis.json")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _completed(app_name: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return all variables, those that are not in `settings` by default or from the others."""
    default = {
        "CONFIG_PG_DBNAME": app_name,
        "CONFIG_PG_USER": "",
        "CONFIG_PG_PASSWORD": "",
        "CONFIG_PG_HOST": SOCKET_DIR,
        "CONFIG_PG_PORT": PORT,
    }
    found = default | {key: value for key, value in settings.items() if value}
    found["CONFIG_PG_USER"] = found["CONFIG_PG_USER"] or _user()
    found.setdefault(URL, _url(found))
    programs = {theirs: found[ours] for ours, theirs in SETTINGS.items()}
    if not programs["PGPASSWORD"]:
        del programs["PGPASSWORD"]
    return found | programs


def _user() -> str:
    """Return what PostgreSQL takes for its user's name when it is told none."""
    from pwd import getpwuid

    return getpwuid(os.geteuid()).pw_name


def _url(settings: Mapping[str, str]) -> str:
    from urllib.parse import quote

    def part(name: str) -> str:
        return quote(settings[f"CONFIG_PG_{name}"], safe="")

    login = part("USER") + (f":{part('PASSWORD')}" if settings["CONFIG_PG_PASSWORD"] else "")
    host, port = settings["CONFIG_PG_HOST"], settings["CONFIG_PG_PORT"]
    start = f"postgresql+psycopg2://{login}@"
    if host.startswith("/"):
        other = f"&port={port}" if port != PORT else ""
        return f"{start}/{part('DBNAME')}?host={quote(host)}{other}"
    return f"{start}{f'[{host}]' if ':' in host else host}:{port}/{part('DBNAME')}"
