"""What provisioning installs on a node, as one hash.

The role ``base`` records it on the node, so that ``silver demo`` can tell without a connection for
each task whether provisioning again could change anything. ``python -m silverlining.release``
prints it, which is how ``inventory/group_vars/all.yml`` gives it to the roles.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from silverlining.playbook import ROOT

SOURCES = (
    "inventory/group_vars",
    "inventory/host_vars",
    "playbooks/provision.yml",
    "roles",
    "silverbackup",
    "silvernode",
    "silversupport",
)


def digest(root: Path = ROOT) -> str:
    """Return the SHA-256, in hex, of the names, modes and contents of what provisioning uses."""
    total = hashlib.sha256()
    for path in sorted(_files(root)):
        executable = path.stat().st_mode & 0o100
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root)}\0{executable:o}\0{content}\n".encode())
    return total.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        top = root / source
        for path in [top, *top.rglob("*")]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


if __name__ == "__main__":
    sys.stdout.write(f"{digest()}\n")
