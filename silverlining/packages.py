"""Installing the distribution's packages on the laptop."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence

from silversupport.errors import SilverError

Report = Callable[[str], None]


class PackageError(SilverError):
    """A package is missing and cannot be installed from here."""


def as_root(command: Sequence[str]) -> list[str] | None:
    """Return a command in the form that runs it as root, None where that needs a password."""
    if os.geteuid() == 0:
        return list(command)
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and _run([*sudo, "true"]).returncode == 0:
        return [*sudo, *command]
    return None


def install(packages: Sequence[str], report: Report) -> None:
    """Install packages with apt, with a fresh package list if the present one does not do.

    Args:
        packages: Names of packages; their recommendations are left out.
        report: Told what is going on.

    Raises:
        PackageError: There is no apt, no way to be root without a password, or apt failed.
    """
    manual = f"sudo apt-get install --no-install-recommends {' '.join(packages)}"
    apt_get = as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "--quiet"])
    if not shutil.which("apt-get"):
        raise PackageError(f"Please install these, there is no apt-get here: {', '.join(packages)}")
    if apt_get is None:
        raise PackageError(f"Missing packages, and no root without a password. Type: {manual}")
    report(f"Installing {', '.join(packages)} with apt-get")
    command = [*apt_get, "install", "--no-install-recommends", *packages]
    if _run(command).returncode == 0:
        return
    _run([*apt_get, "update"])
    done = _run(command)
    if done.returncode != 0:
        raise PackageError(f"'{manual}' failed:\n{tail(done.stdout)}")


def tail(text: str, lines: int = 10) -> str:
    """Return the last lines of a log, indented to stand in a message."""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-lines:])


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
