"""What the pages' applications leave behind on the laptop."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from silverlining.develop import devel_postgis
from silversupport import data
from silversupport.service import postgis

DEVEL_NODE = os.environ.setdefault("SILVER_DEVEL_NODE", "docs-postgis")
"""Where databases in development are: not where the user of this machine has them."""


OWN_SERVER = Path("/var/run/postgresql/.s.PGSQL.5432")
"""Where a PostgreSQL of this machine would be; it may have databases of the same names."""


@contextmanager
def without_data_of(app: str) -> Iterator[None]:
    """Have an application that never ran here; afterwards put back what there was of it.

    Args:
        app: its `app_name`.
    """
    directory = Path(data.devel_dir(app))
    aside = directory.with_name(f"{app}.aside")
    _drop_database(app)
    if aside.exists():  # an earlier run was killed
        shutil.rmtree(directory, ignore_errors=True)
    elif directory.exists():
        directory.rename(aside)
    if OWN_SERVER.exists():
        postgis.record(str(directory), devel_postgis.SERVER, {})
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if aside.exists():
            aside.rename(directory)


def _drop_database(app: str) -> None:
    """Drop what an earlier run has left, if there is a node with it."""
    command = ["docker", "exec", "--user", "postgres", DEVEL_NODE]
    subprocess.run(
        [*command, "dropdb", "--if-exists", "--force", app], capture_output=True, check=False
    )
