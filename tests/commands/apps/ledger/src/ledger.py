"""A ledger: every POST adds an entry, and is answered when it is committed."""

import os
import threading
from typing import Any

import psycopg2  # type: ignore[import-untyped]

ADD = "INSERT INTO entries (note) VALUES (%s) RETURNING id"
_local = threading.local()


def connection() -> Any:
    """Return this thread's connection, which it keeps."""
    if not hasattr(_local, "connection") or _local.connection.closed:
        _local.connection = psycopg2.connect(dbname=os.environ["CONFIG_PG_DBNAME"])
    return _local.connection


def asked(sql: str, *values: str) -> str:
    """Return the first column of an answer's first row; what was done is committed."""
    with connection() as transaction, transaction.cursor() as cursor:
        cursor.execute(sql, values)
        return str(cursor.fetchone()[0])


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with the number of entries, or with that of a new one."""
    status = "200 OK"
    try:
        if environ["REQUEST_METHOD"] == "POST" or environ["PATH_INFO"] == "/write":
            body = asked(ADD, environ.get("QUERY_STRING") or "visitor")
            status = "201 Created"
        else:
            body = asked("SELECT count(*) FROM entries")
    except psycopg2.Error as error:
        connection().close()
        status, body = "500 Internal Server Error", str(error)
    start_response(status, [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
    return [body.encode()]
