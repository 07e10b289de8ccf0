"""What an app has on a node whatever its instance: a user, directories, a secret, a log rotation."""

import grp
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from string import Template

from silvernode import atomic
from silvernode.layout import Layout

LOGROTATE = Template("""\
# Made by silver-node: changes made here are lost.
$logs/*.log {
  su silver-$app silver-$app
  weekly
  maxsize 50M
  rotate 8
  compress
  delaycompress
  missingok
  notifempty
  copytruncate
}
""")


def user(app: str) -> str:
    """The Unix user, and group, of an app."""
    return f"silver-{app}"


def provide(layout: Layout, app: str) -> None:
    """Create what an app is missing on this node; changes nothing where all is there."""
    group = _provide_user(app)
    for path, mode in _directories(layout, app):
        _provide_directory(path, app, mode)
    (layout.etc / "apps" / app).mkdir(parents=True, exist_ok=True)
    _provide_secret(layout.data("secret", app), group)
    text = LOGROTATE.substitute(logs=layout.logs(app), app=app)
    atomic.write(layout.logrotate / f"silver-{app}", text)


def _directories(layout: Layout, app: str) -> list[tuple[Path, int]]:
    return [(layout.data("tmp", app), 0o700), (layout.logs(app), 0o750)]


def _provide_user(app: str) -> int:
    try:
        return grp.getgrnam(user(app)).gr_gid
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        subprocess.run(
            [*command, "--home-dir=/nonexistent", "--shell=/usr/sbin/nologin", user(app)], check=True
        )
        return grp.getgrnam(user(app)).gr_gid


def _provide_directory(path: Path, app: str, mode: int) -> None:
    if not path.exists():
        path.mkdir(parents=True)
        shutil.chown(path, user(app), user(app))
        path.chmod(mode)


def _provide_secret(path: Path, group: int) -> None:
    if not path.exists():
        path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        atomic.write(path, secrets.token_urlsafe(48), mode=0o440, group=group)


def restrict(tree: Path, app: str) -> None:
    """Let only root and the app's group into a directory."""
    os.chown(tree, 0, grp.getgrnam(user(app)).gr_gid)
    tree.chmod(0o750)
