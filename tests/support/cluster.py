"""A set under test, by its nodes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support import apps
from tests.support.load import Load, Posts
from tests.support.node import Node

SET = "molecule_cluster"
HOST = "places.test"

Visited = Callable[..., AbstractContextManager[tuple[Load, Posts]]]
"""Has the site visited as long as a block runs, see `visited` in molecule/cluster/tests."""

RUNNER = apps.sample("places") / "src/runner.py"


class Cluster:
    """The set: its nodes, and `site`, which is the set as its operator and its visitors see it.

    `database` is the node that the data is on now, and `standby` one that is not of the set.
    """

    def __init__(self, ssh_config: Path) -> None:
        self.web = [Node.find(f"molecule-cluster-web{number}", ssh_config) for number in (1, 2)]
        self.database = Node.find("molecule-cluster-db", ssh_config)
        self.standby = Node.find("molecule-cluster-standby", ssh_config)
        self.balancer = Node.find("molecule-cluster-balancer", ssh_config)
        self.site = Node(SET, self.balancer.address, ssh_config)

    def instances(self) -> list[str]:
        """Return the instance that each web node serves."""
        return [node.active(HOST) for node in self.web]

    def stored(self, key: str) -> list[str]:
        """Return the names of the places in the database that begin so."""
        names = self.database.sql("SELECT name FROM place", "places").splitlines()
        return [name for name in names if name.startswith(f"{key} ")]


def version(tmp_path: Path, name: str, before: str = "", after: str = "") -> Path:
    """Make a version of places, which tells its name at /version.txt.

    Args:
        tmp_path: where it is made.
        name: its name.
        before: code that it begins with.
        after: code that follows that of the application.
    """
    changes = {"src/runner.py": before + RUNNER.read_text() + after, "static/version.txt": name}
    return apps.copy(apps.sample("places"), tmp_path / name, changes)
