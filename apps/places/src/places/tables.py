"""The application's table, and what is in it at first."""

from contextlib import closing

from places.connections import Connect
from places.geography import Place, Point
from places.store import insert

# Any number, as long as nothing else in this database locks it.
LOCK = 20_261_122

CREATE = """
    CREATE TABLE place (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL,
        location geography(Point, 4326) NOT NULL
    );
    CREATE INDEX place_location ON place USING gist (location);
"""

FIRST_PLACES = (
    Place("Acropolis, Athens", Point(37.9715, 23.7257)),
    Place("Brandenburg Gate, Berlin", Point(52.5163, 13.3777)),
    Place("Charles Bridge, Prague", Point(50.0865, 14.4114)),
    Place("Christ the Redeemer, Rio de Janeiro", Point(-22.9519, -43.2105)),
    Place("Colosseum, Rome", Point(41.8902, 12.4922)),
    Place("Eiffel Tower, Paris", Point(48.8584, 2.2945)),
    Place("Great Pyramid, Giza", Point(29.9792, 31.1342)),
    Place("Hagia Sophia, Istanbul", Point(41.0086, 28.9802)),
    Place("Matterhorn, Zermatt", Point(45.9766, 7.6585)),
    Place("Mount Fuji", Point(35.3606, 138.7274)),
    Place("Sagrada Família, Barcelona", Point(41.4036, 2.1744)),
    Place("Statue of Liberty, New York", Point(40.6892, -74.0445)),
    Place("Stonehenge, Wiltshire", Point(51.1789, -1.8262)),
    Place("Sydney Opera House", Point(-33.8568, 151.2153)),
    Place("Tower Bridge, London", Point(51.5055, -0.0754)),
)


def create(connect: Connect) -> bool:
    """Create the table with its first places, unless there is one.

    Of several that do this at the same time, one does it and the others wait for it.

    Args:
        connect: Returns a connection to the database.

    Returns:
        Whether the table is new.

    Raises:
        psycopg2.Error: The database refused.
    """
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("SELECT to_regclass(quote_ident(current_schema()) || '.place') IS NULL")
        is_new: bool = cursor.fetchone()[0]
        if is_new:
            cursor.execute(CREATE)
            for place in FIRST_PLACES:
                insert(cursor, place)
    return is_new
