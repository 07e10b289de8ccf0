"""Other programs of the node."""

import subprocess

from silvernode.errors import NodeError


def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        command: its name and arguments.
        check: whether a failure of it is one of the caller's.

    Returns:
        Its exit status, and all that it printed, in `stdout`.

    Raises:
        NodeError: it failed and `check` is true.
    """
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if check and done.returncode:
        raise NodeError(
            f"{' '.join(command)} failed with exit status {done.returncode}", done.stdout
        )
    return done
