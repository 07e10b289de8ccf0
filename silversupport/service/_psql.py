"""PostgreSQL's own client: what can be had from a server that this user reaches."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from silversupport.service import ServiceError, postgis

PROGRAM = "psql"
CONNECT_SECONDS = "5"

LOOK = """
SELECT json_build_object(
  'host', :'HOST', 'port', :'PORT', 'user', current_user::text,
  'owner', (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'app'),
  'may_create', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  'has_postgis', EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis'));
"""
# An untrusted extension, so only a superuser can create it.
CREATE = """CREATE DATABASE :"app" ENCODING 'UTF8' TEMPLATE template0;"""
EXTEND = "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS postgis;"


class QueryError(ServiceError):
    """psql failed; the message is what it said."""


def check(settings: Mapping[str, str]) -> None:
    """Check that a database that the user set answers, if psql is there to ask it.

    Raises:
        ServiceError: it does not.
    """
    if not shutil.which(PROGRAM):
        return
    given = {theirs: settings[ours] for ours, theirs in postgis.SETTINGS.items()}
    try:
        _ask("SELECT 1;", settings["CONFIG_PG_DBNAME"], "", given)
    except QueryError as error:
        raise ServiceError(
            f"the database that ~/.silverlining.conf names does not answer: {error}"
        ) from error


def ensure(app_name: str) -> dict[str, str]:
    """Make an application's database on the server of the default socket, and its extension.

    Nothing is changed unless everything that is needed is allowed.

    Returns:
        How to reach the database.

    Raises:
        ServiceError: this user cannot reach a server or may not do what is needed; the message
            says what to type.
    """
    if not shutil.which(PROGRAM):
        raise ServiceError("there is no psql here, so no PostgreSQL was looked for.")
    try:
        found = json.loads(_ask(LOOK, "postgres", app_name))
    except QueryError as error:
        raise ServiceError(f"no PostgreSQL can be reached through its socket: {error}") from error
    _check_allowed(app_name, found)
    if found["owner"] is None:
        _create(app_name)
    _extend(app_name)
    return {
        "CONFIG_PG_DBNAME": app_name,
        "CONFIG_PG_USER": found["user"],
        "CONFIG_PG_HOST": found["host"],
        "CONFIG_PG_PORT": found["port"],
    }


def _check_allowed(app_name: str, found: Mapping[str, object]) -> None:
    user, owner = found["user"], found["owner"]
    if owner not in (None, user):
        raise ServiceError(
            f"the database {app_name} of this machine's PostgreSQL belongs to {owner}, not to "
            f"{user}. If it is meant all the same, write CONFIG_PG_DBNAME = {app_name} under "
            f"[devel:{app_name}] in ~/.silverlining.conf."
        )
    if owner is None and not found["has_postgis"]:
        raise ServiceError(
            "this machine's PostgreSQL has no PostGIS. Type: "
            "sudo apt-get install postgresql-postgis"
        )
    if owner is None and not found["may_create"]:
        raise ServiceError(
            f"{user} may not make a database with PostGIS in this machine's PostgreSQL. Type: "
            f"sudo -u postgres createdb --owner={user} {app_name} && {_extension_by_hand(app_name)}"
        )


def _create(app_name: str) -> None:
    try:
        _ask(CREATE, "postgres", app_name)
    except QueryError:
        # Another process may have been faster.
        if json.loads(_ask(LOOK, "postgres", app_name))["owner"] is None:
            raise


def _extend(app_name: str) -> None:
    try:
        _ask(EXTEND, app_name, app_name)
    except QueryError as error:
        raise ServiceError(
            f"PostGIS cannot be added to the database {app_name}: {error} "
            f"Type: {_extension_by_hand(app_name)}"
        ) from error


def _extension_by_hand(app_name: str) -> str:
    return f"sudo -u postgres psql {app_name} -c 'CREATE EXTENSION postgis'"


def _ask(
    statements: str, database: str, app_name: str, settings: Mapping[str, str] | None = None
) -> str:
    """Return what psql prints for statements, in which :app stands for the application's name."""
    arguments = ["-XAtqw", "-v", "ON_ERROR_STOP=1", "-v", f"app={app_name}", "-d", database]
    done = subprocess.run(
        [PROGRAM, *arguments],
        input=statements,
        env=_without_settings() | {"PGCONNECT_TIMEOUT": CONNECT_SECONDS, **(settings or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        first = done.stderr.strip().partition("\n")[0]  # hints follow
        said = re.sub(r"^psql:(<stdin>:\d+:)? *(error: )?", "", first)
        raise QueryError(f"{said.rstrip('.') or 'psql failed without a word'}.")
    return done.stdout


def _without_settings() -> dict[str, str]:
    """Return this process's environment without what would lead psql elsewhere."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}
