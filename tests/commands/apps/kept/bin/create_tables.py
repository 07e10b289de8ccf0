"""What the app's database has in the beginning; changes nothing later."""

import psycopg2  # type: ignore[import-untyped]

TABLES = """
CREATE TABLE IF NOT EXISTS people (id serial PRIMARY KEY, name text, picture bytea);
CREATE TABLE IF NOT EXISTS places (id serial PRIMARY KEY, name text, at geometry(Point, 4326));
CREATE TABLE IF NOT EXISTS notes (person integer REFERENCES people, at timestamptz DEFAULT now());
"""

with psycopg2.connect("") as connection, connection.cursor() as cursor:
    cursor.execute(TABLES)
