"""A set under test, by its nodes."""

from pathlib import Path

from tests.support.node import Node

SET = "molecule_cluster"
HOST = "places.test"


class Cluster:
    """The set: its nodes, and `site`, which is the set as its operator and its visitors see it."""

    def __init__(self, ssh_config: Path) -> None:
        self.web = [Node.find(f"molecule-cluster-web{number}", ssh_config) for number in (1, 2)]
        self.database = Node.find("molecule-cluster-db", ssh_config)
        self.balancer = Node.find("molecule-cluster-balancer", ssh_config)
        self.site = Node(SET, self.balancer.address, ssh_config)

    def instances(self) -> list[str]:
        """Return the instance that each web node serves."""
        return [node.active(HOST) for node in self.web]

    def stored(self, key: str) -> list[str]:
        """Return the names of the places in the database that begin so."""
        command = 'runuser -u postgres -- psql -XAtqc "SELECT name FROM place" places'
        names = self.database.sh(command).splitlines()
        return [name for name in names if name.startswith(f"{key} ")]
