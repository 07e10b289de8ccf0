"""The pool of connections, with connections that only pretend."""

from threading import Event, Thread
from typing import NoReturn

import psycopg2
import pytest

from places.connections import ConnectionLostError, ConnectionPool, DatabaseError, connector


class FakeConnection:
    """Answers until it is broken; remembers how its transactions ended."""

    def __init__(self) -> None:
        self.closed = False
        self.broken = False
        self.ends: list[str] = []

    def cursor(self) -> "FakeConnection":
        return self

    def execute(self, statement: str) -> None:
        if self.broken:
            raise psycopg2.OperationalError("terminating connection due to administrator command")

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> "FakeConnection":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.ends.append("rollback" if kind else "commit")


@pytest.fixture
def made() -> list[FakeConnection]:
    return []


@pytest.fixture
def pool(made: list[FakeConnection]) -> ConnectionPool:
    return pretend_pool(made, size=2, patience=0.05)


def pretend_pool(made: list[FakeConnection], size: int, patience: float) -> ConnectionPool:
    def connect() -> FakeConnection:
        made.append(FakeConnection())
        return made[-1]

    return ConnectionPool(connect, size, patience)


def use(pool: ConnectionPool) -> object:
    with pool.transaction() as connection:
        return connection


def test_nothing_is_connected_before_it_is_needed(
    pool: ConnectionPool, made: list[FakeConnection]
) -> None:
    assert made == []


def test_connection_is_used_again(pool: ConnectionPool, made: list[FakeConnection]) -> None:
    assert use(pool) is use(pool)
    assert len(made) == 1


@pytest.mark.parametrize("fault", ["broken", "closed"])
def test_dead_connection_is_replaced_before_it_is_lent(
    pool: ConnectionPool, made: list[FakeConnection], fault: str
) -> None:
    use(pool)
    setattr(made[0], fault, True)

    assert use(pool) is made[1]
    assert made[0].closed


def test_error_rolls_back_and_gives_the_connection_back(
    pool: ConnectionPool, made: list[FakeConnection]
) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), pool.transaction():
            raise ZeroDivisionError

    assert len(made) == 1
    assert "rollback" in made[0].ends
    use(pool)


def test_database_that_is_away_is_tried_again_at_the_next_request() -> None:
    refusals = [psycopg2.OperationalError("refused")]

    def connect() -> FakeConnection:
        if refusals:
            raise refusals.pop()
        return FakeConnection()

    pool = ConnectionPool(connect, size=1, patience=0.05)
    with pytest.raises(DatabaseError, match="refused"):
        use(pool)

    assert isinstance(use(pool), FakeConnection)


def test_failure_within_a_transaction_is_a_database_error(pool: ConnectionPool) -> None:
    with pytest.raises(DatabaseError, match="statement timeout"), pool.transaction():
        raise psycopg2.OperationalError("canceling statement due to statement timeout")


def test_connection_that_breaks_in_a_transaction_is_told_from_one_that_cannot_be_made(
    made: list[FakeConnection],
) -> None:
    pool = pretend_pool(made, size=1, patience=0.05)
    with pytest.raises(ConnectionLostError), pool.transaction() as connection:
        connection.close()
        raise psycopg2.OperationalError("server closed the connection unexpectedly")

    pool.connect = refuse
    with pytest.raises(DatabaseError) as caught:
        use(pool)
    assert not isinstance(caught.value, ConnectionLostError)


def refuse() -> NoReturn:
    raise psycopg2.OperationalError("refused")


def test_mistake_in_a_statement_is_no_database_error(pool: ConnectionPool) -> None:
    with pytest.raises(psycopg2.ProgrammingError), pool.transaction():
        raise psycopg2.ProgrammingError("syntax error")


def test_too_many_requests_wait_and_are_then_told(pool: ConnectionPool) -> None:
    with (
        pool.transaction(),
        pool.transaction(),
        pytest.raises(DatabaseError, match="busy"),
        pool.transaction(),
    ):
        pass


def test_waiting_request_gets_the_connection_that_comes_free(made: list[FakeConnection]) -> None:
    pool = pretend_pool(made, size=1, patience=5)
    done = Event()

    def wait() -> None:
        use(pool)
        done.set()

    with pool.transaction():
        thread = Thread(target=wait)
        thread.start()
        assert not done.wait(0.05)
    thread.join()

    assert done.is_set()
    assert len(made) == 1


def test_connector_takes_the_environments_variables_and_leaves_out_empty_ones() -> None:
    connect = connector(
        {
            "CONFIG_PG_DBNAME": "places",
            "CONFIG_PG_USER": "silver-places",
            "CONFIG_PG_PASSWORD": "",
            "CONFIG_PG_HOST": "",
            "CONFIG_PG_PORT": "",
        }
    )

    assert connect.keywords["dbname"] == "places"
    assert connect.keywords["user"] == "silver-places"
    assert connect.keywords["host"] is None
    assert connect.keywords["password"] is None
