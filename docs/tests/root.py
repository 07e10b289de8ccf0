"""Typing into a shell in the root of the repository."""

import os
import subprocess
import sys
import time
from pathlib import Path

from docs.tests.pages import PageError
from silverlining.playbook import ROOT


def run(script: str) -> str:
    """Type a block into a shell; return what it printed, once it has succeeded."""
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=os.environ | {"TERM": "dumb", "PATH": _activated(os.environ["PATH"])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    sys.stdout.write(f"$ {script.strip()}\n{done.stdout}({seconds:.1f} s)\n")
    if done.returncode:
        raise PageError(f"exit status {done.returncode} of: {script.strip()}")
    return done.stdout


def _activated(path: str) -> str:
    """Return PATH as it is once `. .venv/bin/activate` was typed, in an earlier block."""
    return f"{Path(sys.executable).parent}:{path}"
