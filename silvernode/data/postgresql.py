"""psql and its relatives, as one of the users that this node's PostgreSQL knows by their name."""

import subprocess
from collections.abc import Mapping
from contextlib import suppress

from silvernode.data import programs
from silvernode.errors import NodeError

SUPERUSER = "postgres"

# Whatever a database is set to, these hold. The search path keeps what an app has made from being
# taken for PostgreSQL's own functions and operators.
_OPTIONS = {
    "search_path": "pg_catalog",
    "statement_timeout": 0,
    "lock_timeout": 0,
    "idle_in_transaction_session_timeout": 0,
    "default_transaction_read_only": "off",
    "client_min_messages": "warning",
}
VARIABLES = {
    "PGHOST": "/var/run/postgresql",
    "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items()),
}
"""The environment of every program of PostgreSQL's."""

NOTHING: Mapping[str, str] = {}


def ask(
    sql: str,
    database: str = "postgres",
    user: str = SUPERUSER,
    values: Mapping[str, str] = NOTHING,
    variables: Mapping[str, str] = VARIABLES,
) -> str:
    """Return what psql prints for some SQL.

    Args:
        sql: what to do; `:'name'` and `:"name"` stand for a value, as a text or as a name.
        database: where.
        user: who asks, a user of the node and role of the database's.
        values: the values.
        variables: psql's environment.

    Raises:
        NodeError: it failed.
    """
    with start(database, user, values, variables) as psql:
        write(psql, sql, last=True)
        return finished(psql)


def start(
    database: str,
    user: str = SUPERUSER,
    values: Mapping[str, str] = NOTHING,
    variables: Mapping[str, str] = VARIABLES,
) -> "subprocess.Popen[bytes]":
    """Start psql, to be given SQL with `write`; for the arguments see `ask`."""
    given = [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
    command = ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", *given, "-d", database]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return programs.start(user, command, variables=variables, **pipes)


def write(psql: "subprocess.Popen[bytes]", sql: str, *, last: bool = False) -> None:
    """Give psql something to do; it ends by itself after the last."""
    if psql.stdin is None:  # it was asked for with PIPE
        raise AssertionError
    with suppress(BrokenPipeError):  # it has ended, and says why on its standard error
        psql.stdin.write(sql.encode(errors="surrogateescape"))
        psql.stdin.flush()
    if last:
        with suppress(BrokenPipeError):
            psql.stdin.close()
        psql.stdin = None


def next_line(psql: "subprocess.Popen[bytes]") -> str:
    """Return the next line that psql prints.

    Raises:
        NodeError: it failed before.
    """
    line = psql.stdout.readline() if psql.stdout else b""
    return line.decode().strip() if line else finished(psql)


def finished(psql: "subprocess.Popen[bytes]") -> str:
    """Return all else that psql prints, until its end.

    Raises:
        NodeError: it failed.
    """
    out, err = psql.communicate()
    if psql.returncode:
        said = err.decode(errors="replace").strip()
        raise NodeError(f"PostgreSQL refused: {said.partition(chr(10))[0]}", said)
    return out.decode(errors="surrogateescape")


def quoted_name(text: str) -> str:
    """Return a name as it stands in SQL."""
    return '"' + text.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """Return a text as it stands in SQL."""
    return "'" + text.replace("'", "''") + "'"
