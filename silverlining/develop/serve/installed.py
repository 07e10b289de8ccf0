"""Packages of the distribution that an application asks for and that are not on this machine."""

import shutil
import subprocess
from collections.abc import Sequence

PROGRAM = "dpkg-query"


def missing(packages: Sequence[str]) -> list[str]:
    """Return those that are not installed; none where that cannot be told.

    Args:
        packages: as in `app.ini`: names, and paths of `.deb` files, which are left out.
    """
    names = [each for each in packages if not each.endswith(".deb")]
    if not names or not shutil.which(PROGRAM):
        return []
    done = subprocess.run(
        [PROGRAM, "--show", "--showformat=${Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
        check=False,  # 1 for an unknown name
    )
    lines = (line.split() for line in done.stdout.splitlines())
    present = {words[0] for words in lines if words[1:] == ["installed"]}
    return [name for name in names if name not in present]
