"""Dumps of PostgreSQL compared: two of the same data differ in what is no data."""

import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

from silvernode.data import programs
from silvernode.errors import NodeError

# Since August 2025 a dump as text is enclosed in two commands of psql with a key made at random.
# In data a backslash is written as two, and nobody can guess the key.
_RESTRICT = re.compile(rb"\\restrict (\w+)\n")


def digest(dump: Path, user: str) -> str:
    """Return a checksum of all that a dump holds: the same for two dumps of the same data.

    Args:
        dump: in PostgreSQL's custom format.
        user: who reads it.

    Raises:
        NodeError: it is damaged.
    """
    found = sha256()
    with dump.open("rb") as file:
        pipes: Any = {"stdin": file, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with programs.start(user, ["pg_restore", "--file=-"], **pipes) as process:
            skipped: set[bytes] = set()
            for line in process.stdout or ():
                if not skipped and (key := _RESTRICT.fullmatch(line)):
                    skipped = {line, b"\\unrestrict " + key[1] + b"\n"}
                if line not in skipped:
                    found.update(line)
            said = process.stderr.read() if process.stderr else b""
    if process.returncode:
        raise NodeError(f"{dump} cannot be read", said.decode(errors="replace"))
    return found.hexdigest()
