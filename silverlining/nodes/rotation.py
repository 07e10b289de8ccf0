"""Replacing a host key that was handed over, which every program on the node could read.

A node's user data stays readable at the provider's metadata service, for each process on the node.
So what was handed over serves for the first login only; over it the node makes keys of its own.

The order makes sure that a kill at any moment leaves a key recorded that the node shows: old and
new are recorded before the new one is installed, the old one is forgotten after it was seen.
"""

import subprocess
from collections.abc import Callable, Sequence

from silverlining.nodes import host_keys
from silverlining.polling import wait_until
from silversupport.errors import SilverError

RELOAD_SECONDS = 20.0
"""How long sshd may take to reload."""

Login = Callable[[Sequence[str], str], "subprocess.CompletedProcess[str]"]
"""Runs a command on the node, given its words and what it reads from standard input."""

AS_ROOT = ("sh", "-c", "'if [ $(id -u) = 0 ]; then exec sh -s; else exec sudo -n sh -s; fi'")

# Made once: a run that was killed goes on with the same key, which is recorded already.
_MAKE = """
set -eu
umask 077
mkdir -p /etc/ssh/silver-new
cd /etc/ssh/silver-new
test -s ssh_host_ed25519_key.pub || {
  rm -f ssh_host_ed25519_key
  ssh-keygen -q -t ed25519 -N '' -C '' -f ssh_host_ed25519_key
}
cat ssh_host_ed25519_key.pub
"""

# Each file is replaced at once: sshd starts with the one key or the other.
_INSTALL = """
set -eu
cd /etc/ssh
for file in ssh_host_ed25519_key ssh_host_ed25519_key.pub; do
  cp -p "silver-new/$file" "$file.silver"
  mv -f "$file.silver" "$file"
done
chmod 0644 ssh_host_ed25519_key.pub
"$(command -v sshd || echo /usr/sbin/sshd)" -t
systemctl try-reload-or-restart ssh.service 2>/dev/null \
  || systemctl try-reload-or-restart sshd.service
"""

_CLEAN = "rm -rf /etc/ssh/silver-new\n"


class RotationError(SilverError):
    """A node did not replace the host key that it was handed."""


def rotate(name: str, login: Login) -> str:
    """Have a node make a host key of its own, and record that in place of the one handed over.

    Args:
        name: The node's name in the inventory.
        login: Runs a command there.

    Returns:
        The new key.

    Raises:
        RotationError: A step failed; both keys stay recorded, and it can be tried again.
    """
    old = host_keys.handed(name)
    new = _do(name, login, _MAKE, "make a host key of its own").strip()
    host_keys.record(name, [new], handed=old)
    _do(name, login, _INSTALL, "install its new host key")
    host_keys.record(name, [new])
    try:
        _see_new_key(name, login)
    except RotationError:
        host_keys.record(name, [new], handed=old)  # it shows the old one still
        raise
    return new


def _see_new_key(name: str, login: Login) -> None:
    """Log in with nothing but the new key recorded; sshd does not listen while it reloads."""
    if not wait_until(lambda: login(["true"], "").returncode == 0, RELOAD_SECONDS, pause=0.3):
        reason = login(["true"], "").stderr.strip()
        raise RotationError(f"{name} does not show its new host key: {reason}")
    _do(name, login, _CLEAN, "remove the copy of its new host key")


def _do(name: str, login: Login, script: str, what: str) -> str:
    done = login(AS_ROOT, script)
    if done.returncode:
        raise RotationError(f"{name} did not {what}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
