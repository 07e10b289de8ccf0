"""Where places are kept."""

from collections.abc import Mapping
from typing import Protocol

from psycopg2.extensions import cursor as Cursor

from places.connections import ConnectionLostError, ConnectionPool
from places.geography import Neighbour, Place, Point, Search

INSERT = """
    INSERT INTO place (name, location)
    VALUES (%(name)s, ST_MakePoint(%(lon)s, %(lat)s)::geography)
"""

# The index on location answers the inner query: who is within the distance, and who of them is
# nearest. It measures on a sphere, so those few are then sorted by the distance on the ellipsoid.
NEAREST = """
    SELECT name, ST_Y(location::geometry), ST_X(location::geometry), metres
    FROM (
        SELECT name, location, ST_Distance(location, center) AS metres
        FROM place, CAST(ST_MakePoint(%(lon)s, %(lat)s) AS geography) AS center
        WHERE ST_DWithin(location, center, %(metres)s)
        ORDER BY location <-> center
        LIMIT %(limit)s
    ) AS nearest
    ORDER BY metres
"""


class Store(Protocol):
    """What the application asks of a store; its methods raise `DatabaseError`."""

    def add(self, place: Place) -> None:
        """Keep a place."""

    def nearest(self, search: Search, limit: int) -> list[Neighbour]:
        """Return the places within the distance, nearest first, at most `limit` of them."""


class PostgisStore:
    """The table of places in a PostGIS database.

    Args:
        pool: Lends connections to it.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def add(self, place: Place) -> None:
        """Keep a place."""
        with self.pool.transaction() as connection, connection.cursor() as cursor:
            insert(cursor, place)

    def nearest(self, search: Search, limit: int) -> list[Neighbour]:
        """Return the places within the distance, nearest first, at most `limit` of them."""
        values = vars(search.center) | {"metres": search.within * 1000, "limit": limit}
        try:
            return self._nearest(values)
        except ConnectionLostError:
            # Reading twice does no harm. Writing might: whoever sent a place is told instead.
            return self._nearest(values)

    def _nearest(self, values: Mapping[str, float]) -> list[Neighbour]:
        with self.pool.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(NEAREST, values)
            return [
                Neighbour(Place(name, Point(lat, lon)), metres / 1000)
                for name, lat, lon, metres in cursor
            ]


def insert(cursor: Cursor, place: Place) -> None:
    """Put a place into the table."""
    cursor.execute(INSERT, {"name": place.name, **vars(place.point)})
