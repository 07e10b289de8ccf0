"""A copy of the repository, for pages whose reader adds files to it.

Its `./silver` is Python of this repository's environment, which would otherwise have to be made
again for the copy.
"""

import shutil
import sys
from pathlib import Path

from silverlining.playbook import ROOT

LEFT_OUT = (".*", "__pycache__", "*.egg-info", "build")
SILVER = """#!/bin/sh
PYTHONPATH={copy} exec {python} -P -m silverlining "$@"
"""


def copied(target: Path) -> Path:
    """Copy the repository; return where the copy is."""
    shutil.copytree(ROOT, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (target / "silver").write_text(SILVER.format(copy=target, python=sys.executable))
    return target


def copied_with_programs(target: Path) -> Path:
    """Copy the repository, with the programs of its environment in their place."""
    copied(target)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target
