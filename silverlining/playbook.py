"""Runs Ansible from the environment that this package is installed in."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silversupport.errors import SilverError

ROOT = Path(__file__).resolve().parent.parent
"""The root of the repository: ansible.cfg, playbooks, roles, apps."""

PLAYBOOKS = ROOT / "playbooks"

# Ansible looks for group_vars beside a playbook; without one, where `silver` was typed.
_BESIDE = ("--playbook-dir", str(PLAYBOOKS))

INTERRUPTED = 130
"""The exit status of a command that was ended with Ctrl-C, as in a shell."""

# An ad-hoc command ignores the callback without the first of these.
JSON_OUTPUT = {
    "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
    "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
}


CONDENSED_OUTPUT = {"ANSIBLE_STDOUT_CALLBACK": "silver"}


# The head of a task, and a line of silverlining.nodes.progress.
_TOLD = re.compile(r"TASK \[(?:\S+ : )?(.+?)\] |  … (.+)$")


class PlaybookError(SilverError):
    """Ansible could not say what it was asked for."""


@dataclass(frozen=True)
class Result:
    """How a quiet run ended.

    Attributes:
        status: The exit status.
        output: All that it printed, standard error included.
    """

    status: int
    output: str

    @property
    def changed(self) -> int:
        """The number of tasks that changed something, from the closing recap."""
        return sum(int(count) for count in re.findall(r"\bok=\d+ +changed=(\d+)", self.output))


def run(
    name: str, extra: Mapping[str, object], arguments: Sequence[str] = (), verbosity: int = 0
) -> int:
    """Run a playbook in the foreground.

    Args:
        name: The playbook's name in ``playbooks/``, without ``.yml``.
        extra: Variables for it; those that are None are left out.
        arguments: Further arguments of ansible-playbook.
        verbosity: 0 for the condensed output (``plugins/callback/silver.py``), 1 for Ansible's
            own, from 2 on as ansible-playbook with one ``-v`` less.

    Returns:
        Its exit status.
    """
    more = [f"-{'v' * (verbosity - 1)}"] if verbosity > 1 else []
    variables = environment() | ({} if verbosity else CONDENSED_OUTPUT)
    command = _command(name, extra, [*arguments, *more])
    with _start(command, variables) as process, _ended_with_us(process):
        return _wait(process)


def run_quietly(
    name: str, extra: Mapping[str, object], report: Callable[[str], None] | None = None
) -> Result:
    """Run a playbook and keep its output.

    Args:
        name: The playbook's name in ``playbooks/``, without ``.yml``.
        extra: Variables for it; those that are None are left out.
        report: Is told the name of each task when it begins, and how a long one comes along.
    """
    lines = []
    with (
        subprocess.Popen(
            _command(name, extra),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
        _ended_with_us(process),
    ):
        assert process.stdout  # noqa: S101 - for the type checker: it was asked for above
        for line in process.stdout:
            lines.append(line)
            if report and (told := _TOLD.match(line)):
                report(told[1] or told[2])
        status = _wait(process)
    return Result(status, "".join(lines))


def inventory(sources: Sequence[Path] = ()) -> dict[str, dict[str, object]]:
    """Return the variables of every host of the inventory, by name.

    Args:
        sources: Inventory sources, in place of those of ansible.cfg.

    Raises:
        PlaybookError: The inventory cannot be read, or a cloud cannot be asked.
    """
    return inventory_and_groups(sources)[0]


def inventory_and_groups(
    sources: Sequence[Path] = (),
) -> tuple[dict[str, dict[str, object]], dict[str, list[str]]]:
    """Return what `inventory` does, and the groups of every host, as they come.

    Args:
        sources: Inventory sources, in place of those of ansible.cfg.

    Raises:
        PlaybookError: The inventory cannot be read, or a cloud cannot be asked.
    """
    listing = _json_of("ansible-inventory", "--list", *_BESIDE, *(f"-i{path}" for path in sources))
    variables: dict[str, dict[str, object]] = listing.pop("_meta")["hostvars"]
    groups: dict[str, list[str]] = {}
    for group, content in listing.items():
        for name in content.get("hosts", []):
            groups.setdefault(name, []).append(group)
    return {name: variables.get(name, {}) for name in sorted(groups)}, groups


def answers(
    name: str, extra: Mapping[str, object], arguments: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Run a playbook quietly, and return what each host answered to the last task of its last play.

    A task that was skipped for all hosts answers only if the play had no other.

    Args:
        name: The playbook's name in ``playbooks/``, without ``.yml``.
        extra: Variables for it; those that are None are left out.
        arguments: Further arguments of ansible-playbook.

    Raises:
        PlaybookError: It ended on this machine, before a host was asked.
    """
    done = subprocess.run(
        _command(name, extra, arguments),
        env=environment() | JSON_OUTPUT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    try:
        plays = [play["tasks"] for play in _parsed(done.stdout)["plays"] if play["tasks"]]
        tasks = [task["hosts"] for task in plays[-1]]
        ran = [hosts for hosts in tasks if not all(map(_was_skipped, hosts.values()))]
        hosts: dict[str, dict[str, Any]] = (ran or tasks)[-1]
    except (ValueError, LookupError) as error:
        reason = " ".join((done.stderr or done.stdout).split())
        raise PlaybookError(f"{name}.yml failed: {reason}") from error
    here = hosts.pop("localhost", {})
    if here.get("failed"):
        raise PlaybookError(here["msg"])
    return hosts


def _was_skipped(answer: Mapping[str, Any]) -> bool:
    return bool(answer.get("skipped"))


def read_file(node: str, path: str) -> bytes | None:
    """Return a file's content from a node, or None if it is missing or cannot be reached."""
    done = subprocess.run(
        [program("ansible"), *_BESIDE, node, "-m", "ansible.builtin.slurp", "-a", f"src={path}"],
        env=environment() | JSON_OUTPUT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        return None
    plays = _parsed(done.stdout)["plays"]
    found = [host for play in plays for task in play["tasks"] for host in task["hosts"].values()]
    return base64.b64decode(found[0]["content"]) if found else None


def program(name: str) -> str:
    """Return the path of a program of this environment, whether or not it is activated."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def environment() -> dict[str, str]:
    """Return the environment in which Ansible finds this repository and its own programs."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PATH": path}


def _command(name: str, extra: Mapping[str, object], arguments: Sequence[str] = ()) -> list[str]:
    given = {key: value for key, value in extra.items() if value is not None}
    playbook = str(ROOT / "playbooks" / f"{name}.yml")
    # -P: what is in the directory where it is typed must not take the place of a library.
    ansible = [sys.executable, "-P", "-m", "silverlining.ansible_playbook"]
    return [*ansible, playbook, "-e", json.dumps(given), *arguments]


def _start(command: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program for which Ctrl-C waits until it has got through Python's own start.

    There it would be told of with a traceback; see `silverlining.ansible_playbook`.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(command, env=variables)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended_with_us(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Pass SIGTERM on: a playbook would go on by itself, changing servers unseen."""
    before = signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait(process: subprocess.Popen[Any]) -> int:
    """Wait; on Ctrl-C, which the process was sent too, let it end by itself."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        return INTERRUPTED


def _json_of(name: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [program(name), *arguments], env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PlaybookError(f"{name} failed: {' '.join(done.stderr.split())}")
    return _parsed(done.stdout)


def _parsed(text: str) -> dict[str, Any]:
    """Return what Ansible printed as JSON, without its marks on what is no template."""
    answer: dict[str, Any] = json.loads(text, object_hook=lambda d: d.get("__ansible_unsafe", d))
    return answer
