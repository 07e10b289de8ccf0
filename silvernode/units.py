"""systemd on this node: the unit template of an app, and its instances."""

import uuid
from pathlib import Path
from string import Template

from silvernode import atomic
from silvernode.layout import Layout
from silvernode.programs import run

SANDBOX = "silver-.service.d/sandbox.conf"
"""The drop-in of the role `app`: systemd applies it to each unit whose name begins `silver-`."""

TEMPLATE = Template("""\
# Made by silver-node: changes made here are lost. Limits and sandbox: ../$sandbox
[Unit]
Description=Silver Lining: $app, instance %i
After=network.target postgresql.service

[Service]
Type=exec
$properties
RuntimeDirectory=silver/$app.%i
RuntimeDirectoryMode=0750
ExecStart=/usr/sbin/apache2 -DFOREGROUND -f $etc/httpd.conf
KillMode=mixed
KillSignal=SIGWINCH
Restart=on-failure
RestartSec=1

[Install]
WantedBy=multi-user.target
""")


def unit(instance: str) -> str:
    """Return an instance's unit: `polls.20261122_001` runs as `silver-polls@20261122_001`."""
    app, _, version = instance.partition(".")
    return f"silver-{app}@{version}.service"


def install(layout: Layout, app: str) -> bool:
    """Write the unit template of an app.

    Returns:
        Whether it was new or differed.
    """
    common = "\n".join(properties(layout, app, f"{app}.%i"))
    names = {"app": app, "properties": common, "etc": layout.etc, "sandbox": SANDBOX}
    changed = atomic.write(_template(layout, app), TEMPLATE.substitute(names))
    if changed:
        run("systemctl", "daemon-reload")
    return changed


def start(instance: str) -> None:
    """Start an instance.

    Raises:
        NodeError: systemd could not even execute it.
    """
    run("systemctl", "start", unit(instance))


def enable(instance: str) -> None:
    """Have an instance started at every boot."""
    run("systemctl", "enable", "--quiet", "--no-reload", unit(instance))


def disable(instance: str) -> None:
    """Keep an instance from being started at boot."""
    run("systemctl", "disable", "--quiet", "--no-reload", unit(instance))


def stop(instance: str) -> None:
    """Stop an instance, which lets its requests finish, and keep it down at boot; does not wait."""
    disable(instance)
    run("systemctl", "stop", "--no-block", unit(instance))


def stop_and_wait(instance: str) -> None:
    """Stop an instance for a moment, and wait until its requests have come to their end."""
    run("systemctl", "stop", unit(instance))


def stop_now(layout: Layout, instance: str) -> None:
    """Stop an instance that serves nobody and forget it, so that its name and address are free."""
    if not _template(layout, instance.partition(".")[0]).exists():
        return  # It cannot have been started, and systemctl fails for a unit that it does not know.
    disable(instance)
    run("systemctl", "kill", "--signal=SIGKILL", unit(instance), check=False)
    run("systemctl", "stop", unit(instance))
    run("systemctl", "reset-failed", unit(instance), check=False)


def is_running(instance: str) -> bool:
    """Tell whether an instance's server is there."""
    return is_active(unit(instance))


def is_active(name: str) -> bool:
    """Tell whether a unit is active."""
    return run("systemctl", "is-active", "--quiet", name, check=False).returncode == 0


def script(app: str, identity: str) -> str:
    """Return the name of the unit in which a script of an app runs."""
    return f"silver-script-{app}-{identity}.service"


def journal(instance: str) -> str:
    """Return the last lines that systemd noted of an instance."""
    options = ["--lines=20", "--output=cat", "--no-pager"]
    return run("journalctl", "--unit", unit(instance), *options, check=False).stdout


def rest_later(instance: str, seconds: int) -> None:
    """Have `silver-node rest` stop an instance in a while, unless it is active again by then."""
    name = f"--unit=silverlining-rest-{instance}-{_unique()}"
    command = ["/usr/local/sbin/silver-node", "rest", instance]
    run("systemd-run", "--quiet", "--collect", f"--on-active={seconds}", name, *command)


def watch(name: str, *command: str) -> None:
    """Start a command of `silver-node` that goes on whatever happens to this process.

    Args:
        name: its unit's, which is made unique.
        command: what it is to do.
    """
    unit_name = f"--unit=silverlining-{name}-{_unique()}"
    program = ["/usr/local/sbin/silver-node", *command]
    run("systemd-run", "--quiet", "--collect", unit_name, *program)


def _template(layout: Layout, app: str) -> Path:
    return layout.units / f"silver-{app}@.service"


def _unique() -> str:
    return uuid.uuid4().hex[:8]


def properties(layout: Layout, app: str, instance: str) -> list[str]:
    """Return what every process of an app has in common, as lines of a unit."""
    writable = [layout.data(kind, app) for kind in ("files", "writable-root", "tmp")]
    return [
        f"User=silver-{app}",
        f"Group=silver-{app}",
        f"EnvironmentFile={layout.etc}/instances/{instance}.env",
        f"EnvironmentFile=-{layout.etc}/apps/{app}/*.env",
        f"WorkingDirectory={layout.www}/{instance}",
        "ReadWritePaths=" + " ".join(f"-{path}" for path in [*writable, layout.logs(app)]),
    ]
