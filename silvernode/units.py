"""systemd on this node: the unit template of an app, its instances, and single scripts."""

import shlex
import subprocess
import uuid
from string import Template

from silvernode import atomic
from silvernode.errors import NodeError
from silvernode.layout import Layout

SANDBOX = "silver-.service.d/sandbox.conf"
"""The drop-in of the role ``app``: systemd applies it to every unit whose name begins with ``silver-``."""

TEMPLATE = Template("""\
# Made by silver-node: changes made here are lost. Limits and sandbox: ../$sandbox
[Unit]
Description=Silver Lining: $app, instance %i
After=network.target postgresql.service

[Service]
Type=exec
$properties
RuntimeDirectory=silver/$app.%i
ExecStart=/usr/sbin/apache2 -DFOREGROUND -f $etc/httpd.conf
KillMode=mixed
KillSignal=SIGWINCH
Restart=on-failure
RestartSec=1

[Install]
WantedBy=multi-user.target
""")


def unit(instance: str) -> str:
    """The name of an instance's unit: ``polls.20261122_001`` runs as ``silver-polls@20261122_001``."""
    app, _, version = instance.partition(".")
    return f"silver-{app}@{version}.service"


def install(layout: Layout, app: str) -> bool:
    """Write the unit template of an app.

    :returns: whether it was new or differed.
    """
    properties = "\n".join(_properties(layout, app, f"{app}.%i"))
    names = {"app": app, "properties": properties, "etc": layout.etc, "sandbox": SANDBOX}
    changed = atomic.write(layout.units / f"silver-{app}@.service", TEMPLATE.substitute(names))
    if changed:
        systemctl("daemon-reload")
    return changed


def start(instance: str) -> None:
    """Start an instance now and at every boot.

    :raises NodeError: systemd could not even execute it.
    """
    systemctl("enable", "--quiet", "--no-reload", unit(instance))
    systemctl("start", unit(instance))


def stop(instance: str) -> None:
    """Stop an instance, which lets its requests finish, and keep it down at boot; does not wait."""
    systemctl("disable", "--quiet", "--no-reload", unit(instance))
    systemctl("stop", "--no-block", unit(instance))


def stop_now(instance: str) -> None:
    """Stop an instance that serves nobody and forget it, so that its name and address are free."""
    systemctl("disable", "--quiet", "--no-reload", unit(instance))
    systemctl("kill", "--signal=SIGKILL", unit(instance), check=False)
    systemctl("stop", unit(instance))
    systemctl("reset-failed", unit(instance), check=False)


def is_running(instance: str) -> bool:
    """Whether an instance's server is there, or on its way."""
    return systemctl("is-active", "--quiet", unit(instance), check=False) == 0


def journal(instance: str) -> str:
    """The last lines that systemd noted of an instance."""
    command = ["journalctl", "--unit", unit(instance), "--lines=20", "--output=cat", "--no-pager"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def run_script(layout: Layout, instance: str, command: str, seconds: int) -> tuple[int, str]:
    """Run a script of an instance in the app's own environment, with its user, limits and sandbox.

    :param command: the script's path in the app, and its arguments, quoted as for a shell.
    :param seconds: how long it may take.
    :returns: its exit status, and all that it printed.
    """
    app = instance.partition(".")[0]
    script, *arguments = shlex.split(command)
    path = layout.www / instance / script
    program = ["/usr/bin/python3", str(path)] if path.suffix == ".py" else [str(path)]
    properties = [*_properties(layout, app, instance), f"RuntimeMaxSec={seconds}"]
    done = subprocess.run(
        ["systemd-run", "--quiet", "--pipe", "--wait", "--collect"]
        + [f"--unit=silver-script-{app}-{uuid.uuid4().hex[:8]}"]
        + [f"--property={each}" for each in properties]
        + ["--", *program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def rest_later(instance: str, seconds: int) -> None:
    """Have ``silver-node rest`` stop an instance in a while, unless it is active again by then."""
    subprocess.run(
        ["systemd-run", "--quiet", "--collect", f"--on-active={seconds}"]
        + [f"--unit=silverlining-rest-{instance}-{uuid.uuid4().hex[:8]}"]
        + ["/usr/local/sbin/silver-node", "rest", instance],
        check=True,
    )


def systemctl(*arguments: str, check: bool = True) -> int:
    """Run ``systemctl``.

    :returns: its exit status.
    :raises NodeError: it failed and ``check`` is true.
    """
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True)
    if check and done.returncode:
        raise NodeError(f"systemctl {' '.join(arguments)} failed", done.stderr)
    return done.returncode


def _properties(layout: Layout, app: str, instance: str) -> list[str]:
    """What every process of an app has in common, as lines of a unit."""
    writable = [layout.data(kind, app) for kind in ("files", "writable-root", "tmp")]
    return [
        f"User=silver-{app}",
        f"Group=silver-{app}",
        f"EnvironmentFile={layout.etc}/instances/{instance}.env",
        f"EnvironmentFile=-{layout.etc}/apps/{app}/*.env",
        f"WorkingDirectory={layout.www}/{instance}",
        "ReadWritePaths=" + " ".join(f"-{path}" for path in [*writable, layout.logs(app)]),
    ]
