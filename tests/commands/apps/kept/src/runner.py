"""An app with something of everything that is worth keeping; it tells all of it."""

import hashlib
import hmac
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg2  # type: ignore[import-untyped]

from silversupport.secret import get_secret

OWN_TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind = 'r' AND relname <> 'spatial_ref_sys' ORDER BY 1
"""


def rows() -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute(OWN_TABLES)
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t ORDER BY 1')  # noqa: S608
            found[table] = [row for (row,) in cursor.fetchall()]
        return found


def signed(name: str) -> str:
    """Return the session of somebody who has logged in."""
    return hmac.new(get_secret().encode(), name.encode(), hashlib.sha256).hexdigest()


def config() -> dict[str, str]:
    """Return the names and contents of the deployment configuration."""
    directory = Path(os.environ["SILVER_APP_CONFIG"])
    return {path.name: path.read_text() for path in sorted(directory.iterdir())}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with all that there is, or tell whether a session is valid."""
    query = parse_qs(environ["QUERY_STRING"])
    told = {
        "instance": os.environ["SILVER_INSTANCE_NAME"],
        "rows": rows(),
        "config": config(),
        "session": signed("ann"),
        "valid": query.get("session") == [signed("ann")],
    }
    start_response("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(told).encode()]
