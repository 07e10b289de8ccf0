"""What a node runs: the application, with the database that the environment names."""

import os

from places.application import Places
from places.connections import ConnectionPool, connector
from places.store import PostgisStore

application = Places(PostgisStore(ConnectionPool(connector(os.environ))))
