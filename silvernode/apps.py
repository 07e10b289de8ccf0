"""What an app has on a node, whatever its instance: user, directories, secret, log rotation."""

import grp
import os
import pwd
import secrets
import shutil
from hashlib import sha256
from pathlib import Path
from string import Template

from silvernode import atomic
from silvernode.layout import Layout
from silvernode.programs import run

FIRST_NUMBER, NUMBERS = 30_000, 20_000
"""Where the numbers of the apps' users are: above those that people get, below systemd's."""

LOGROTATE = Template("""\
# Made by silver-node: changes made here are lost.

# The processes see that it was renamed and make a new one (silversupport.app_log): no line is lost.
$logs/app.jsonl {
  nocreate
$common
}

# Apache keeps these open, and what an app writes here itself may be so too.
$logs/*.log {
  copytruncate
$common
}
""")
ROTATION = """\
  su silver-$app silver-$app
  weekly
  maxsize 50M
  rotate 8
  compress
  delaycompress
  missingok
  notifempty\
"""


def user(app: str) -> str:
    """Return the name of an app's Unix user, and group."""
    return f"silver-{app}"


def provide(layout: Layout, app: str) -> None:
    """Create what an app is missing on this node; changes nothing where all is there.

    Raises:
        NodeError: the user could not be created.
    """
    group = _provide_user(app)
    _provide_directory(layout.data("tmp", app), app, 0o700)
    _provide_directory(layout.logs(app), app, 0o750)
    layout.service_envs(app).mkdir(parents=True, exist_ok=True)
    _provide_secret(layout.data("secret", app), group)
    common = Template(ROTATION).substitute(app=app)
    rotation = LOGROTATE.substitute(logs=layout.logs(app), common=common)
    atomic.write(layout.logrotate / user(app), rotation)


def secret_digest(layout: Layout, app: str) -> str:
    """Return what tells whether two nodes have the same secret; empty where there is none yet."""
    path = layout.data("secret", app)
    return sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def share_secret(layout: Layout, app: str, secret: str = "") -> str:
    """Return an app's secret; put another one in its place first, if one is given.

    An app's processes read it anew whenever they use it (`silversupport.secret`).
    """
    path = layout.data("secret", app)
    if secret:
        atomic.write(path, secret, mode=0o440, group=_group(app))
    return path.read_text(encoding="ascii")


def restrict(tree: Path, app: str) -> None:
    """Let only root and the app's group into a directory."""
    os.chown(tree, 0, _group(app))
    tree.chmod(0o750)


def restrict_file(path: Path, app: str, mode: int = 0o640) -> None:
    """Let only root and the app's group read a file."""
    os.chown(path, 0, _group(app))
    path.chmod(mode)


def _provide_user(app: str) -> int:
    """Create the app's user and group if they are missing; the group's id."""
    try:
        return _group(app)
    except KeyError:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent"]
        options += _number(app)
        run("useradd", *options, "--shell=/usr/sbin/nologin", user(app))
        return _group(app)


def _number(app: str) -> list[str]:
    """Return the options by which an app's user and group have the same number on every node.

    A file system that nodes share knows both by their numbers.
    """
    number = FIRST_NUMBER + int(sha256(app.encode()).hexdigest(), 16) % NUMBERS
    users, groups = (
        (each.pw_uid for each in pwd.getpwall()),
        (each.gr_gid for each in grp.getgrall()),
    )
    if number in {*users, *groups}:
        return []  # Another app's, by chance.
    # useradd takes a group's number only from a range: here, of one.
    return [f"--uid={number}", f"--key=SYS_GID_MIN={number}", f"--key=SYS_GID_MAX={number}"]


def _group(app: str) -> int:
    return grp.getgrnam(user(app)).gr_gid


def _provide_directory(path: Path, app: str, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user(app), user(app))
    path.chmod(mode)


def _provide_secret(path: Path, group: int) -> None:
    if not path.exists():
        path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        atomic.write(path, secrets.token_urlsafe(48), mode=0o440, group=group)
