"""The way to a node for commands that need a live terminal or a stream.

Ansible is asked for the inventory and for ssh's command, so that whatever its variables say about a
host holds here too.
"""

import atexit
import gc
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from silverlining import playbook
from silverlining.nodes import targets
from silverlining.remote import inventory_memory
from silverlining.remote.ansible_inventory import Inventory, Login

ROOT_USER = "root"

TERMINAL = ("-t", "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=stty -isig")
"""Makes Ctrl-C a key like others once a connection is made, and before it is used.

The node's terminal gets the modes that this one has then. As a signal, a Ctrl-C that gets there
before a process controls the terminal would come to nothing, and so it would while sudo puts one of
its own between; as a key it waits for its reader.
"""


@dataclass(frozen=True)
class Connection:
    """A way to a node by ssh.

    Attributes:
        node: the node's name.
        host: its address.
        ssh: the command that connects, without the address.
        sudo: whether the login user becomes root through sudo.
    """

    node: str
    host: str
    ssh: tuple[str, ...]
    sudo: bool

    def command(
        self, program: Sequence[str], *, tty: bool = False, log: Path | None = None
    ) -> list[str]:
        """Return the command that runs a program as root on the node.

        Where the program is missing it says so, and has the exit status 125.

        Args:
            program: its path on the node and its arguments; they arrive as they are.
            tty: give it a terminal; this side's standard input must be one.
            log: a file for ssh's own messages, in place of standard error.
        """
        options = [*(TERMINAL if tty else ["-T"]), *(["-E", str(log)] if log else [])]
        # At the next level up ssh says goodbye to those who had a terminal.
        options += ["-o", "LogLevel=ERROR"]
        hint = f"silver: {self.node} was never set up; do it with: ./silver setup-node {self.node}"
        run = [*(["sudo", "-n"] if self.sudo else []), *program]
        # Of a command that a signal has ended ssh would say 255, as of a failure of its own.
        script = (
            f"trap 'exit {playbook.INTERRUPTED}' INT\n"
            f"test -x {shlex.quote(program[0])} || {{ echo {shlex.quote(hint)} >&2; exit 125; }}\n"
            f"{shlex.join(run)}"
        )
        # The login shell may be one of another kind.
        return [*self.ssh, *options, "--", self.host, shlex.join(["exec", "/bin/sh", "-c", script])]

    def is_open(self) -> bool:
        """Tell whether a connection is open that a command will share, so that it makes none."""
        check = [*self.ssh, "-O", "check", self.host]
        return not subprocess.run(check, capture_output=True, check=False).returncode


def to_node(name: str | None) -> Connection:
    """Return the way to a node.

    Args:
        name: a node, or a set, of which it is the first web node; None for the only one there is.

    Raises:
        InventoryError: the inventory cannot be read.
        targets.TargetError: there is no such node, it does not run, or there are several.
    """
    return _connect(name, "")


def to_location(location: str, node: str | None = None) -> Connection:
    """Return the way to the node that serves a location.

    Args:
        location: `HOST[/PATH]`.
        node: a node or a set, if it was named.

    Raises:
        InventoryError: the inventory cannot be read.
        targets.TargetError: there is no such node, it does not run, or it cannot be told which.
    """
    return _connect(node, location.partition("/")[0])


def _connect(node: str | None, host: str) -> Connection:
    with _quick_end(), _quick_start():
        return _find(node, host)


def _find(node: str | None, host: str) -> Connection:
    memory = inventory_memory.load()
    ansible = cache(Inventory)
    groups = memory.recall("groups", lambda: ansible().groups())
    addresses = {}
    if not node:
        addresses = memory.recall("addresses", lambda: ansible().addresses(groups["all"]))
    resolve = targets.addresses_of if host else lambda _: set()
    target = targets.choose(node, host, groups, addresses, resolve)
    name = targets.web_nodes(target, groups)[0]
    login = memory.recall(f"login {name}", lambda: asdict(ansible().login(name)))
    memory.keep()
    return _connection(name, Login(**login))


def _connection(node: str, login: Login) -> Connection:
    program, *options = login.ssh
    # Of an option given twice, ssh takes the first. It uses a connection that is open, and leaves
    # none open: a process in the background would hold its caller's pipes.
    ssh = (program, "-o", "ControlMaster=no", *options)
    return Connection(node, login.host, ssh, sudo=login.user != ROOT_USER)


@contextmanager
def _quick_start() -> Iterator[None]:
    """Leave garbage where it is, for good: collecting it is a tenth of what is mostly imports."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def _quick_end() -> Iterator[None]:
    """Have Ctrl-C end the process here and now.

    A KeyboardInterrupt that happens to be raised in a destructor, of which Ansible has many, is
    printed and forgotten.
    """
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(_number: int, _frame: object) -> None:
    os.write(2, b"\nsilver: interrupted, before anything was done\n")
    atexit._run_exitfuncs()  # Ansible has a directory to remove
    os._exit(playbook.INTERRUPTED)
