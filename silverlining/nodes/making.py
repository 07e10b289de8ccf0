"""Making and removing nodes of a source."""

from collections.abc import Sequence
from dataclasses import dataclass

from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.types import NodeState

from silverlining.nodes import arrival, failures, host_keys, orders
from silverlining.nodes.node_facts import address, check_groups
from silverlining.nodes.orders import Order
from silverlining.nodes.sources import Source
from silverlining.packages import Report
from silverlining.polling import wait_until
from silversupport.errors import SilverError

APPEARANCE_SECONDS = 20.0
"""How long a node may take to be listed whose making was begun and has no clear end."""

_PAUSE_SECONDS = 3.0


class NodeError(SilverError):
    """A node cannot be made, or does not answer."""


@dataclass(frozen=True)
class Wanted:
    """A node to be made.

    Attributes:
        name: Its name.
        image: PATTERN, empty for the source's or the provider's default.
        size: PATTERN, likewise.
        groups: Inventory groups; none for all role groups and a set of its own.
        wait: Seconds until it must let us in by SSH; 0 does not wait.
    """

    name: str
    image: str = ""
    size: str = ""
    groups: Sequence[str] = ()
    wait: float = 300


def find(source: Source, name: str) -> Node | None:
    """Return the node of that name, None if there is none."""
    return next((node for node in source.nodes() if node.name == name), None)


def is_half_made(source: Source, node: Node) -> bool:
    """Return whether a node is only what a killed ``create`` left, which the next one removes."""
    return source.is_local and bool(node.state == NodeState.PENDING)


def create(source: Source, wanted: Wanted, report: Report) -> Node:
    """Make a node, record its host key and wait until it lets us in.

    Args:
        source: Where.
        wanted: What.
        report: Told what is going on.

    Returns:
        The node with its addresses.

    Raises:
        NodeError: The node was made and does not answer in time; it is left for inspection.
        SilverError: It could not be made; nothing is left of it.
    """
    check_groups(wanted.groups)
    driver = source.driver()
    order = orders.place(
        source, driver, wanted.name, wanted.image, wanted.size, wanted.groups, report
    )
    # What is recorded of an earlier node goes; a key that is handed over is known from here on.
    handed = [order.host_key.public] if order.host_key else []
    host_keys.record(wanted.name, [], handed=handed)
    try:
        node = _make(source, driver, order, report)
    except SilverError:
        host_keys.forget(wanted.name)
        raise
    report(f"{wanted.name}: made by {source.provider}, id {node.id}")
    if "host_key" in node.extra:
        host_keys.record(node.name, [node.extra["host_key"]])
    if not wanted.wait:
        return node
    return _arrived(source, driver, node, wanted.wait, report)


def take_over(
    source: Source, node: Node, wait: float, report: Report = lambda message: None
) -> bool:
    """Make a node that exists already usable: started, and its host key known.

    Args:
        source: Where it is.
        node: As just listed.
        wait: Seconds until it must let us in, where that has to be seen; 0 does not wait.
        report: Told what is going on.

    Returns:
        Whether anything had to be done.

    Raises:
        NodeError: It does not answer in time.
        SourceError: The provider cannot start it.
    """
    key = node.extra.get("host_key")
    learned = host_keys.record(node.name, [key]) if key else False
    is_stopped = node.state == NodeState.STOPPED
    is_known = host_keys.lookup(node.name) and not host_keys.handed(node.name) and address(node)
    if not is_stopped and (is_known or not wait):
        return learned
    driver = source.driver()
    if is_stopped:
        source.ask(driver.start_node, node)
    _arrived(source, driver, node, wait, report)
    return True


def destroy(source: Source, node: Node) -> None:
    """Remove a node and its recorded host key.

    Raises:
        SourceError: The provider refused.
        NodeError: The provider did not do it, and gave no reason.
    """
    done = source.ask(node.destroy)
    if not done and find(source, node.name) is not None:  # some drivers say no though it is done
        raise NodeError(f"{source.origin}: the provider did not destroy {node.name}.")
    host_keys.forget(node.name)


def removal(source: Source, name: str) -> str:
    """Return the command that removes a node, for a message about one that is not usable."""
    return f"./silver destroy-node {name} --source {source.origin}"


def _make(source: Source, driver: NodeDriver, order: Order, report: Report) -> Node:
    """Have the provider make the node, once.

    It is asked a second time only after it has said that it was asked too often, and no node of
    the name is there. Where it is not known what it did, the node is looked for, and taken if it is
    there.
    """
    asked = False

    def ask() -> Node:
        nonlocal asked
        found = find(source, order.name) if asked else None
        asked = True
        return found or driver.create_node(**order.arguments)

    try:
        return failures.patient()(ask)
    except SilverError:
        raise
    except Exception as error:  # noqa: BLE001 (see Source.ask)
        if failures.is_refusal(error):
            raise source.error(error) from None
        report(f"{order.name}: {source.error(error)} Looking whether it was made all the same")
        return _found_after(source, order.name, error)


def _found_after(source: Source, name: str, error: Exception) -> Node:
    """Return the node that a failed call made all the same.

    Raises:
        NodeError: It cannot be told, or none has appeared.
    """
    found: list[Node] = []

    def look() -> bool:
        found.extend(node for node in source.nodes() if node.name == name)
        return bool(found)

    look_again = (
        f"Look again with ./silver list-nodes --source {source.origin} before you try again"
    )
    try:
        wait_until(look, APPEARANCE_SECONDS, _PAUSE_SECONDS)
    except SilverError as unknown:
        raise NodeError(
            f"{source.error(error)} Whether {name} was made is not known, since the provider "
            f"cannot be asked. {look_again}; if it is there: {removal(source, name)}"
        ) from unknown
    if not found:
        raise NodeError(
            f"{source.error(error)} No node {name} has appeared within "
            f"{APPEARANCE_SECONDS:.0f} s. {look_again}."
        ) from None
    return found[0]


def _arrived(source: Source, driver: NodeDriver, node: Node, limit: float, report: Report) -> Node:
    """Wait until a node lets us in; name it, and what removes it, if it does not."""
    try:
        return arrival.wait(source, driver, node, limit, report)
    except SilverError as error:
        raise NodeError(
            f"{error}\nThe node is left there as it is. To go on with it: ./silver create-node "
            f"{node.name} --if-not-exists --source {source.origin}; to remove it: "
            f"{removal(source, node.name)}"
        ) from error
