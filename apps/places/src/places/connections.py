"""Connections to the database, for several threads."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from queue import Empty, LifoQueue

import psycopg2
from psycopg2.extensions import connection as Connection

Connect = Callable[[], Connection]

SIZE = 4  # connections of one process, at most
PATIENCE = 5  # seconds to wait for the database to answer
FREE_PATIENCE = 20  # seconds to wait for a free one: a failover keeps all of them for some 15


class DatabaseError(Exception):
    """The database cannot be used now; the message says why."""


class ConnectionLostError(DatabaseError):
    """The connection broke in a transaction: whether that was carried out is not known."""


def connector(environ: Mapping[str, str]) -> partial[Connection]:
    """Make a function that connects to the database of the environment.

    Args:
        environ: The variables `CONFIG_PG_*`; an empty one leaves the matter to PostgreSQL's client.

    Returns:
        A function without arguments that returns a new connection.
    """
    return partial(
        psycopg2.connect,
        dbname=environ["CONFIG_PG_DBNAME"],
        user=environ.get("CONFIG_PG_USER") or None,
        password=environ.get("CONFIG_PG_PASSWORD") or None,
        host=environ.get("CONFIG_PG_HOST") or None,
        port=environ.get("CONFIG_PG_PORT") or None,
        connect_timeout=PATIENCE,
        options=f"-c statement_timeout={PATIENCE}s",
    )


class ConnectionPool:
    """A few connections that requests borrow.

    psycopg2's own pool connects while it is made, lends connections that are dead, and raises an
    error rather than wait for a free one. A node needs the opposite of each: the application
    starts before the database, survives its restart, and has more threads than connections.

    Args:
        connect: Returns a new connection.
        size: How many connections there are at most.
        patience: For how many seconds to wait for a free one.
    """

    def __init__(self, connect: Connect, size: int = SIZE, patience: float = FREE_PATIENCE) -> None:
        self.connect = connect
        self.patience = patience
        self.free: LifoQueue[Connection | None] = LifoQueue()
        for _ in range(size):
            self.free.put(None)  # a connection that is yet to be made

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection for a transaction, which an error rolls back.

        Yields:
            A connection that has just answered.

        Raises:
            DatabaseError: None is free or can be made, or the database failed on the way.
            ConnectionLostError: The connection broke on the way.
        """
        try:
            connection = self.free.get(timeout=self.patience)
        except Empty as error:
            raise DatabaseError("All connections to the database are busy.") from error
        try:
            connection = revive(connection)
            connection = connection or self.connect()
            with connection:
                yield connection
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            kind = ConnectionLostError if connection and connection.closed else DatabaseError
            raise kind(f"The database cannot be used: {error}") from error
        finally:
            self.free.put(connection)


def revive(connection: Connection | None) -> Connection | None:
    """Return a connection if it still answers; else close it and return None."""
    if connection is None or connection.closed:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        connection.close()
        return None
    return connection
