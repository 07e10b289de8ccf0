"""From a node that was made to one that lets us in and shows the right host key."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.types import NodeState

from silverlining import paths
from silverlining.nodes import cloud_init, host_keys, providers, rotation
from silverlining.nodes.node_facts import address
from silverlining.nodes.sources import Source
from silverlining.packages import Report
from silversupport.errors import SilverError

TELL_SECONDS = 10.0
"""After so long a wait it is told again what is waited for."""

PUBLIC_SECONDS = 20.0
"""How long a running node may take to get a public address; then its private one is taken."""

CONSOLE_SECONDS = 240.0
"""How long a node that answers is waited for until its keys are on its console; EC2 takes minutes.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-console.html
"""


class ArrivalError(SilverError):
    """A node does not come up, or does not let us in."""


@dataclass
class Wait:
    """Waiting with a limit, and telling about it.

    Attributes:
        name: Of the node.
        limit: Seconds for all that is waited for.
        report: Told what is going on.
        pause: Seconds between two looks.
    """

    name: str
    limit: float
    report: Report
    pause: float

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    @property
    def passed(self) -> float:
        """The seconds that were waited."""
        return time.monotonic() - self._began

    def until(self, what: str, check: Callable[[], bool], limit: float | None = None) -> bool:
        """Call a function until it returns true, and return whether it did in time.

        Args:
            what: Is waited for, for who watches.
            check: What to ask; it is asked at least once.
            limit: Seconds for this alone; in any case the whole limit holds.
        """
        begun = told = time.monotonic()
        while not check():
            now = time.monotonic()
            if self.passed >= self.limit or (limit is not None and now - begun >= limit):
                return False
            if now - told >= TELL_SECONDS:
                told = now
                self.report(
                    f"{self.name}: waiting for {what} ({self.passed:.0f} s of {self.limit:.0f} s)"
                )
            time.sleep(self.pause)
        return True


def wait(source: Source, driver: NodeDriver, node: Node, limit: float, report: Report) -> Node:
    """Wait until a node runs, learn its host key, and see that it lets us in.

    Args:
        source: Where it is.
        driver: Of the source.
        node: As the provider answered.
        limit: Seconds for all of it.
        report: Told what is going on.

    Returns:
        The node with its addresses.

    Raises:
        ArrivalError: It is not there in time.
        SilverError: The provider cannot be asked.
    """
    waiting = Wait(node.name, limit, report, 0.2 if source.is_local else 3.0)
    node, found = _running(source, node, waiting)
    report(f"{node.name}: runs at {found}; waiting for SSH")
    _learn(source, driver, node, found, waiting)
    login = _login(source, node.name, found)
    results = []

    def is_let_in() -> bool:
        results.append(login(["true"], ""))
        return results[-1].returncode == 0

    if not waiting.until(f"{found} to let us in", is_let_in):
        raise ArrivalError(_refusal(source, node.name, found, limit, results[-1].stderr.strip()))
    if host_keys.handed(node.name):
        new = rotation.rotate(node.name, login)
        report(
            f"{node.name}: showed the host key that it was handed over, and has made one of its "
            f"own: {host_keys.fingerprint(new)}"
        )
    return node


def _running(source: Source, node: Node, waiting: Wait) -> tuple[Node, str]:
    """Return the node once it runs and has an address, and that."""
    seen: list[Node] = [node]
    states: list[object] = []

    def runs() -> bool:
        seen.extend(each for each in source.nodes() if each.id == node.id)
        state = seen[-1].state
        if state == NodeState.ERROR:
            raise ArrivalError(f"The provider {source.provider} says that {node.name} has failed.")
        if state not in states:
            states.append(state)
            waiting.report(f"{node.name}: {state}")
        return bool(state == NodeState.RUNNING and address(seen[-1]))

    if not waiting.until("it to run and to have an address", runs):
        raise ArrivalError(
            f"Node {node.name} is {seen[-1].state} and has "
            f"{address(seen[-1]) or 'no address'} after {waiting.limit:.0f} s."
        )
    waiting.until("a public address", lambda: runs() and bool(seen[-1].public_ips), PUBLIC_SECONDS)
    return seen[-1], str(address(seen[-1]))


def _learn(source: Source, driver: NodeDriver, node: Node, found: str, waiting: Wait) -> None:
    """Record the node's host key, unless it is known."""
    shown: list[str] = []

    def shows_keys() -> bool:
        try:
            shown[:] = host_keys.scan(found)
        except host_keys.HostKeyError:
            return False
        known = host_keys.lookup(node.name)
        return not known or bool(set(known) & set(shown))

    if not waiting.until(f"SSH at {found}", shows_keys):
        raise ArrivalError(
            _other_key(source, node.name, found, shown)
            if shown
            else f"Node {node.name} at {found} shows no SSH server after {waiting.limit:.0f} s. "
            "Look whether a firewall or security group of the provider lets TCP port 22 through."
        )
    if host_keys.lookup(node.name):
        return
    keys = _console_keys(source, driver, node, waiting)
    if keys:
        waiting.report(f"{node.name}: host keys read from its console: {_listed(keys)}")
    else:
        keys = shown
        waiting.report(
            f"{node.name}: the first answer at {found} was TRUSTED, since no other channel tells "
            f"the host key; compare it with what the provider shows: {_listed(keys)}"
        )
    host_keys.record(node.name, keys)


def _console_keys(source: Source, driver: NodeDriver, node: Node, waiting: Wait) -> list[str]:
    """Return the keys that cloud-init printed on the console, none if there is no console."""
    ways = providers.of(source.provider, driver)
    keys: list[str] = []

    def has_printed() -> bool:
        keys[:] = cloud_init.console_keys(source.ask(providers.console_text, ways, driver, node))
        return bool(keys)

    if ways.console:
        try:
            waiting.until("its keys on the console", has_printed, CONSOLE_SECONDS)
        except SilverError as error:
            waiting.report(f"{node.name}: its console cannot be read: {error}")
    return keys


def _login(source: Source, name: str, found: str) -> rotation.Login:
    """Return what runs a command on the node, logged in as Ansible will be."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "5",
        "ControlPath": "none",
        "HostKeyAlias": name,
        "UserKnownHostsFile": f'"{paths.known_hosts()}"',
        "StrictHostKeyChecking": "yes",
    }
    user = ["-l", source.login_user] if source.login_user else []
    key = ["-i", source.login_key] if source.login_key else []
    flags = [word for option in options.items() for word in ("-o", "=".join(option))]

    def run(command: Sequence[str], text: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["ssh", *flags, *user, *key, found, *command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _refusal(source: Source, name: str, found: str, limit: float, reason: str) -> str:
    who = source.login_user or "your own user name"
    return (
        f"Node {name} at {found} does not let us in as {who} after {limit:.0f} s: {reason}. "
        f"Look at user and private_key_file in {source.origin}."
    )


def _other_key(source: Source, name: str, found: str, shown: Sequence[str]) -> str:
    return (
        f"Node {name} at {found} shows another host key ({_listed(shown)}) than the recorded one "
        f"({_listed(host_keys.lookup(name))}). If its image does not run cloud-init, say "
        f"'cloud_init: false' in {source.origin}; else somebody may be in between."
    )


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(map(host_keys.fingerprint, keys))
