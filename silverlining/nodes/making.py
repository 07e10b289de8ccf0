"""Making and removing nodes of a source."""

import inspect
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.types import NodeState

from silverlining import paths
from silverlining.nodes import host_keys, patterns
from silverlining.nodes.node_facts import group_labels
from silverlining.nodes.sources import Source
from silverlining.packages import Report
from silverlining.polling import wait_until
from silversupport.errors import SilverError


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
    driver = source.driver()
    arguments = _create_arguments(driver, source, wanted, report)
    try:
        node = driver.create_node(**arguments)
    except SilverError:
        raise
    except Exception as error:  # see Source.nodes
        raise source.error(error) from error
    host_keys.forget(wanted.name)  # of an earlier node
    if wanted.wait:
        node = _wait(driver, source, node, wanted.wait)
    elif "host_key" in node.extra:
        host_keys.record(node.name, [node.extra["host_key"]])
    return node


def take_over(source: Source, node: Node, wait: float) -> bool:
    """Make a node that exists already usable: started, and its host key known.

    Args:
        source: Where it is.
        node: As just listed.
        wait: Seconds until a node that had to be started must let us in.

    Returns:
        Whether anything had to be done.

    Raises:
        NodeError: It does not answer in time.
        SourceError: The provider cannot start it.
    """
    key = node.extra.get("host_key")
    learned = host_keys.record(node.name, [key]) if key else False
    if node.state != NodeState.STOPPED:
        return learned
    driver = source.driver()
    try:
        driver.start_node(node)
    except Exception as error:
        raise source.error(error) from error
    _wait(driver, source, node, wait)
    return True


def destroy(source: Source, node: Node) -> None:
    """Remove a node and its recorded host key.

    Raises:
        SourceError: The provider refused.
        NodeError: The provider did not do it, and gave no reason.
    """
    try:
        done = node.destroy()
    except Exception as error:
        raise source.error(error) from error
    if not done and find(source, node.name) is not None:  # some drivers say no though it is done
        raise NodeError(f"{source.origin}: the provider did not destroy {node.name}.")
    host_keys.forget(node.name)


def _create_arguments(
    driver: NodeDriver, source: Source, wanted: Wanted, report: Report
) -> dict[str, Any]:
    """Return the arguments of ``create_node``, images and sizes looked up by their PATTERN."""
    arguments: dict[str, Any] = {"name": wanted.name, **source.create_options}
    choices: dict[str, tuple[str | None, Callable[[], Any]]] = {
        "image": (wanted.image or source.image, driver.list_images),
        "size": (wanted.size or source.size, driver.list_sizes),
    }
    for what, (pattern, offers) in choices.items():
        if pattern:
            arguments[what] = patterns.select(offers(), pattern, what)
        elif not source.is_local:
            raise NodeError(
                f"{source.origin}: which {what}? Give a PATTERN, or set '{what}' in that file."
            )
    if source.is_local:
        arguments["ex_report"] = report
    if wanted.groups:
        name = _label_argument(driver, source)
        arguments[name] = {**arguments.get(name, {}), **group_labels(wanted.groups)}
    return arguments


def _label_argument(driver: NodeDriver, source: Source) -> str:
    parameters = inspect.signature(driver.create_node).parameters
    for name in ("ex_labels", "ex_metadata"):
        if name in parameters:
            return name
    raise NodeError(
        f"{source.origin}: provider {source.provider} keeps no labels of a node, so its groups "
        "cannot be kept there. Create it without groups, and group it in a file of the inventory."
    )


def _wait(driver: NodeDriver, source: Source, node: Node, limit: float) -> Node:
    try:
        [(node, addresses)] = driver.wait_until_running([node], wait_period=0.5, timeout=int(limit))
    except Exception as error:  # see Source.nodes
        raise source.error(error) from error
    address = addresses[0]
    if not wait_until(lambda: _learn_host_key(node, address), limit, pause=0.2):
        raise NodeError(f"Node {node.name} at {address} shows no SSH server after {limit:.0f} s.")
    command = _login_command(source, node.name, address)
    if not wait_until(lambda: _run(command).returncode == 0, limit, pause=0.2):
        raise NodeError(
            f"Node {node.name} at {address} does not let us in after {limit:.0f} s: "
            f"{_run(command).stderr.strip()}"
        )
    return node


def _learn_host_key(node: Node, address: str) -> bool:
    """Record the node's host key: from its provider if that knows it, else from first contact."""
    try:
        keys = [node.extra["host_key"]] if "host_key" in node.extra else host_keys.scan(address)
    except host_keys.HostKeyError:
        return False
    host_keys.record(node.name, keys)
    return True


def _login_command(source: Source, name: str, address: str) -> list[str]:
    """Return an ``ssh`` that logs in as Ansible will, and does nothing."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "5",
        "HostKeyAlias": name,
        "UserKnownHostsFile": f'"{paths.known_hosts()}"',
        "StrictHostKeyChecking": "yes",
    }
    user = ["-l", source.login_user] if source.login_user else []
    key = ["-i", source.login_key] if source.login_key else []
    flags = [word for option in options.items() for word in ("-o", "=".join(option))]
    return ["ssh", *flags, *user, *key, address, "true"]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
