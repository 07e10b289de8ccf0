#!/usr/bin/env python3
"""Creates what the application needs in its database. Running it again changes nothing."""

import os

from places.connections import connector
from places.tables import create

if create(connector(os.environ)):
    print("The table of places is new, and has some places to begin with.")  # noqa: T201
