"""A cloud that lives in memory."""

from collections.abc import Sequence
from typing import Any

from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeSize
from libcloud.compute.types import NodeState


class FakeDriver(NodeDriver):
    """Offers one image and one size, and keeps its nodes in a list."""

    name = "Fake"

    def __init__(self, nodes: Sequence[Node] = (), error: Exception | None = None) -> None:
        self.nodes = list(nodes)
        self.error = error
        self.created: list[dict[str, Any]] = []

    def list_nodes(self) -> list[Node]:
        """Return the nodes, or fail as told."""
        if self.error:
            raise self.error
        return list(self.nodes)

    def list_images(self, location: Any = None, **filters: Any) -> list[NodeImage]:
        """Return one image, whatever the filters of other drivers say."""
        return [NodeImage("ami-1", "Ubuntu 24.04", self)]

    def list_sizes(self, location: Any = None) -> list[NodeSize]:
        """Return one size."""
        return [NodeSize("t3", "t3", 2048, 0, 0, 0.0, self)]

    def create_node(  # type: ignore[override]
        self, name: str, ex_metadata: dict[str, str] | None = None, **options: Any
    ) -> Node:
        """Add a running node, and remember the arguments."""
        self.created.append({"name": name, "ex_metadata": ex_metadata, **options})
        node = make_node(name, driver=self, extra={"tags": ex_metadata or {}})
        self.nodes.append(node)
        return node

    def destroy_node(self, node: Node) -> bool:
        """Remove a node."""
        self.nodes = [each for each in self.nodes if each.id != node.id]
        return True


def make_node(name: str, **changes: Any) -> Node:
    """Return a running node; keyword arguments are those of Libcloud's ``Node``."""
    settings: dict[str, Any] = {
        "id": f"i-{name}",
        "name": name,
        "state": NodeState.RUNNING,
        "public_ips": ["203.0.113.7"],
        "private_ips": ["10.0.0.7"],
        "driver": FakeDriver,
        "extra": {},
        **changes,
    }
    return Node(**settings)
