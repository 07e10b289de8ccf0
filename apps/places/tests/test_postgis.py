"""The store in a real PostGIS database, in a schema of its own that is removed afterwards.

Run where the application runs, since the database is that of `CONFIG_PG_*`.
"""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial

import psycopg2
import pytest

from places.connections import (
    Connect,
    Connection,
    ConnectionLostError,
    ConnectionPool,
    connector,
)
from places.geography import Place, Point, Search
from places.store import NEAREST, PostgisStore
from places.tables import FIRST_PLACES, create

pytestmark = pytest.mark.skipif(
    "CONFIG_PG_DBNAME" not in os.environ, reason="CONFIG_PG_DBNAME names no database"
)

EVERYWHERE = Search(Point(0, 0), 20_040)


@pytest.fixture
def connect() -> Iterator[Connect]:
    plain = connector(os.environ)
    schema = f"test_{secrets.token_hex(4)}"
    execute(plain, f"CREATE SCHEMA {schema}")
    yield partial(plain, options=f"-c search_path={schema},public")
    execute(plain, f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def store(connect: Connect) -> PostgisStore:
    create(connect)
    return PostgisStore(ConnectionPool(connect))


def execute(connect: Connect, statement: str) -> list[tuple[object, ...]]:
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def names(store: PostgisStore, lat: float, lon: float, within: float) -> list[str]:
    found = store.nearest(Search(Point(lat, lon), within), 50)
    return [neighbour.place.name for neighbour in found]


def test_tables_are_made_once_even_by_several_at_the_same_time(connect: Connect) -> None:
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(create, [connect] * 6))

    assert sorted(made) == [False] * 5 + [True]
    assert execute(connect, "SELECT count(*) FROM place") == [(len(FIRST_PLACES),)]


def test_first_places_come_only_with_a_new_table(connect: Connect) -> None:
    assert create(connect) is True
    execute(connect, "DELETE FROM place")

    assert create(connect) is False
    assert execute(connect, "SELECT count(*) FROM place") == [(0,)]


def test_nearest_places_come_first_and_far_ones_not_at_all(store: PostgisStore) -> None:
    assert names(store, 48.8566, 2.3522, 400) == [
        "Eiffel Tower, Paris",
        "Tower Bridge, London",
        "Stonehenge, Wiltshire",
    ]


def test_distance_is_in_kilometres_on_the_ellipsoid(store: PostgisStore) -> None:
    store.add(Place("a degree to the east", Point(0, 1)))
    store.add(Place("a degree to the north", Point(1, 0)))

    north, east = store.nearest(Search(Point(0, 0), 112), 50)

    # The lengths of a degree at the equator of WGS 84; on a sphere they would be the same.
    assert (north.place.name, east.place.name) == ("a degree to the north", "a degree to the east")
    assert north.distance == pytest.approx(110.574, abs=0.001)
    assert east.distance == pytest.approx(111.319, abs=0.001)


def test_distance_goes_across_the_date_line_and_the_pole(store: PostgisStore) -> None:
    store.add(Place("Taveuni", Point(-16.8, 179.99)))
    store.add(Place("North Pole", Point(90, 0)))

    assert names(store, -16.8, -179.99, 5) == ["Taveuni"]
    assert names(store, 89.99, 123, 5) == ["North Pole"]


class BreakingPool(ConnectionPool):
    """Its first transaction meets a server that ends the connection."""

    is_whole = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            if not self.is_whole:
                self.is_whole = True
                process = connection.info.backend_pid
                execute(self.connect, f"SELECT pg_terminate_backend({process}, 5000)")
            yield connection


def test_search_whose_connection_breaks_is_done_again(store: PostgisStore) -> None:
    breaking = PostgisStore(BreakingPool(store.pool.connect))
    assert names(breaking, 48.8566, 2.3522, 1000) == names(store, 48.8566, 2.3522, 1000)


def test_place_whose_connection_breaks_is_not_added_twice(store: PostgisStore) -> None:
    breaking = PostgisStore(BreakingPool(store.pool.connect))
    with pytest.raises(ConnectionLostError):
        breaking.add(Place("Maybe", Point(0, 0)))
    assert "Maybe" not in names(store, 0, 0, 1)


def test_no_more_than_the_limit_are_returned(store: PostgisStore) -> None:
    assert len(store.nearest(EVERYWHERE, 3)) == 3
    assert len(store.nearest(EVERYWHERE, 50)) == len(FIRST_PLACES)


@pytest.mark.parametrize("name", ["'); DROP TABLE place; --", "100 % of %s", "Zoë's 🏔"])
def test_any_name_is_kept_as_it_is(store: PostgisStore, name: str) -> None:
    store.add(Place(name, Point(-80, -100)))

    assert names(store, -80, -100, 1) == [name]


def test_search_uses_the_index(store: PostgisStore, connect: Connect) -> None:
    execute(
        connect,
        "INSERT INTO place (name, location) SELECT n, ST_MakePoint(n % 360 - 180, n % 179 - 89)"
        " FROM generate_series(1, 20000) AS n",
    )
    execute(connect, "ANALYZE place")
    with store.pool.transaction() as connection, connection.cursor() as cursor:
        values = {"lat": 48.5, "lon": 2.5, "metres": 300_000, "limit": 50}
        cursor.execute("EXPLAIN " + NEAREST, values)
        plan = "\n".join(line for (line,) in cursor)

    assert "place_location" in plan, plan
    assert "Order By" in plan, plan


def test_store_works_again_after_its_connections_were_cut(
    store: PostgisStore, connect: Connect
) -> None:
    with store.pool.transaction() as connection:
        process = connection.info.backend_pid
    execute(connect, f"SELECT pg_terminate_backend({process}, 5000)")

    store.add(Place("After", Point(-80, 100)))

    assert names(store, -80, 100, 1) == ["After"]


def test_place_is_refused_by_the_table_too(connect: Connect) -> None:
    create(connect)
    with pytest.raises(psycopg2.errors.NotNullViolation):
        execute(connect, "INSERT INTO place (location) VALUES (ST_MakePoint(1, 2))")
