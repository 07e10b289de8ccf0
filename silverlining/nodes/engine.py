"""The local Docker engine: is it there, and if not, install and start it."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import docker
from docker.errors import DockerException

from silverlining import files, packages, paths
from silverlining.packages import Report
from silverlining.polling import wait_until
from silversupport.errors import SilverError

START_LIMIT = 60.0
"""Seconds that an engine may take until it answers."""

_SOCKET = Path("/var/run/docker.sock")
_PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}
_PACKAGES = ("docker.io", "iptables", "acl")


class EngineError(SilverError):
    """The Docker engine does not answer."""


def connect() -> docker.DockerClient:
    """Return a client of the engine that ``DOCKER_HOST`` names, or else of the local one.

    Raises:
        EngineError: It does not answer.
    """
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        raise EngineError(
            f"No Docker engine answers at {address} ({error}). "
            "'./silver demo' or the module local_engine installs and starts one."
        ) from error
    return client


def is_installed() -> bool:
    """Return whether there is an engine on this machine that ``ensure`` could start."""
    return "DOCKER_HOST" not in os.environ and bool(shutil.which("dockerd", path=_daemon_path()))


def ensure(report: Report) -> bool:
    """Make sure that a Docker engine answers; install and start the distribution's if not.

    Args:
        report: Told what is going on.

    Returns:
        Whether anything had to be done.

    Raises:
        EngineError: It does not answer, and how to start it or what its log says.
        packages.PackageError: It cannot be installed; the message says what to type.
    """
    with files.locked(paths.state_dir() / "engine.lock"):
        if _answers():
            return False
        if "DOCKER_HOST" in os.environ:
            connect()  # raises: somebody else's engine is not ours to start
        if not is_installed():
            packages.install(_PACKAGES, report)
        if not _answers_this_user():
            _start(report)
    return True


def _answers() -> bool:
    try:
        connect()
    except EngineError:
        return False
    return True


def _answers_this_user() -> bool:
    """Return whether the engine answers, after letting this user ask it.

    The group docker holds from the next login, the file's access list from now on. It gives
    nothing away: it is done through a sudo that asks for no password.
    """
    if _SOCKET.is_socket() and not os.access(_SOCKET, os.W_OK):
        user = getpass.getuser()
        for command in (
            ["usermod", "--append", "--groups", "docker", user],
            ["setfacl", "--modify", f"user:{user}:rw", str(_SOCKET)],
        ):
            _run_as_root(command)
    return _answers()


def _daemon_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def _run_as_root(command: Sequence[str]) -> None:
    allowed = packages.as_root(command)
    if allowed is None:
        raise EngineError(f"No root without a password here. Type: sudo {' '.join(command)}")
    done = subprocess.run(allowed, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineError(f"'{' '.join(command)}' failed:\n{packages.tail(done.stderr)}")


def _start(report: Report) -> None:
    report("Starting the Docker engine")
    if not _has_systemd():
        _start_detached()
        return
    _run_as_root(["systemctl", "start", "docker"])
    if not wait_until(_answers_this_user, START_LIMIT):
        raise EngineError("The Docker engine was started and does not answer: journalctl -u docker")


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _start_detached() -> None:
    # The init script fails where it may not raise a limit, so dockerd is started by itself.
    for pid_file, name in _PID_FILES.items():
        _remove_if_stale(pid_file, name)
    command = packages.as_root(["env", f"PATH={_daemon_path()}", "dockerd"])
    if command is None:
        raise EngineError("The Docker engine is not running. Type: sudo dockerd &")
    log = paths.engine_log()
    with log.open("w") as output:
        daemon = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(lambda: daemon.poll() is not None or _answers_this_user(), START_LIMIT)
    if daemon.poll() is not None or not _answers():
        state = "ended" if daemon.poll() is not None else "does not answer"
        raise EngineError(f"dockerd {state}; from {log}:\n{packages.tail(log.read_text())}")


def _remove_if_stale(pid_file: Path, name: str) -> None:
    """Remove what a killed engine left: it would take any process of that id for its own."""
    if not pid_file.exists():
        return
    command = Path("/proc", pid_file.read_text().strip(), "comm")
    if not (command.exists() and command.read_text().strip() == name):
        _run_as_root(["rm", "-f", str(pid_file)])
