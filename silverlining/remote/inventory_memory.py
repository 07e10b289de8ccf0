"""What Ansible said of the inventory the last time, where it is certain to say the same again.

Ansible needs 0.4 s, of a busy machine 2 s, to say how to log in on a node. What it says depends on
files and on the state of the local Docker engine, and whether these are the same can be seen in
0.01 s. The nodes of a cloud cannot be seen without asking it: with a cloud in the inventory nothing
is remembered. (Its source has a cache of its own, if one wants that.)

Host keys are checked by the node's name, so whatever went wrong here, nobody could be sent to
another machine.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any
from urllib.parse import quote

from silverlining import files, paths
from silverlining.playbook import ROOT

LIFETIME = 600
"""Seconds. A template in the inventory may look things up that are not known here."""

VARIABLES = frozenset({"_", "OLDPWD", "PWD", "SHLVL"})
"""Environment variables that change all the time, and change nothing."""

ENGINE = Path("/var/run/docker.sock")
ENGINE_SECONDS = 5
NODES = "/containers/json?all=1&filters=" + quote(json.dumps({"label": ["silverlining.node"]}))


class _Unknown(Exception):
    """It cannot be seen whether Ansible would say the same again."""


@dataclass
class Memory:
    """Answers, by question.

    Attributes:
        path: where they are kept; None if they are not.
        answers: plain data.
    """

    path: Path | None
    answers: dict[str, Any] = field(default_factory=dict)
    _is_new: bool = False

    def recall(self, question: str, ask: Callable[[], Any]) -> Any:
        """Return the answer to a question, asking if it is not known."""
        if question not in self.answers:
            self.answers[question] = ask()
            self._is_new = True
        return self.answers[question]

    def keep(self) -> None:
        """Keep what is new, and remove what is old."""
        if self.path is None or not self._is_new:
            return
        with suppress(OSError):  # It only saves time.
            self.path.parent.mkdir(exist_ok=True)
            files.replace(self.path, json.dumps(self.answers))
            for other in self.path.parent.iterdir():
                if _age(other) > LIFETIME:
                    other.unlink(missing_ok=True)


def load() -> Memory:
    """Return what is remembered of the inventory as it is now."""
    try:
        state = json.dumps([_environment(), [*_files()], _engine()])
    except _Unknown:
        return Memory(None)
    path = paths.state_dir() / "inventory" / f"{sha256(state.encode()).hexdigest()}.json"
    if _age(path) > LIFETIME:
        return Memory(path)
    try:
        return Memory(path, json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return Memory(path)


def _age(path: Path) -> float:
    """Return for how many seconds a file has been there; for ever, if it is not."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")


def _environment() -> dict[str, str]:
    """Return the environment.

    Raises:
        _Unknown: it names another inventory, or another engine.
    """
    if "DOCKER_HOST" in os.environ or any(name.startswith("ANSIBLE_INV") for name in os.environ):
        raise _Unknown
    return {name: value for name, value in os.environ.items() if name not in VARIABLES}


def _files() -> Iterator[tuple[str, int, int, int]]:
    """Tell every file that Ansible, or our part of it, reads from another version of it.

    Raises:
        _Unknown: one of them is a source of nodes that cannot be seen.
    """
    inventory = sorted((ROOT / "inventory").rglob("*"))
    if not all(map(_can_be_seen, inventory)):
        raise _Unknown
    programs = [ROOT / "ansible.cfg", *ROOT.glob("plugins/inventory/*.py")]
    programs += [*ROOT.glob("silverlining/**/*.py"), *ROOT.glob(".venv/silver.stamp")]
    for path in (*inventory, *sorted(programs)):
        found = path.stat()
        yield str(path), found.st_mtime_ns, found.st_size, found.st_ino


def _can_be_seen(path: Path) -> bool:
    """Tell whether a file of the inventory is plain data, or the local Docker engine's source."""
    if path.is_symlink() or path.parent != ROOT / "inventory" or path.is_dir():
        return not path.is_symlink()
    if path.suffix not in (".yml", ".yaml") or os.access(path, os.X_OK):
        return False
    text = path.read_text(errors="replace")
    return "plugin" not in text or bool(re.search(r"^provider: *docker *$", text, re.MULTILINE))


def _engine() -> list[object]:
    """Return what the local Docker engine says of our nodes; nothing if none answers."""
    connection = HTTPConnection("localhost", timeout=ENGINE_SECONDS)
    try:
        with socket(AF_UNIX) as connection.sock:
            connection.sock.settimeout(ENGINE_SECONDS)
            connection.sock.connect(str(ENGINE))
            connection.request("GET", NODES)
            nodes = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        return [type(error).__name__]
    # "Status" says since how many minutes.
    return sorted(([*sorted(_without(node, "Status"))] for node in nodes), key=str)


def _without(node: dict[str, Any], key: str) -> list[str]:
    return [json.dumps({name: value}) for name, value in node.items() if name != key]
