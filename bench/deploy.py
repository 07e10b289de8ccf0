"""What a deploy costs beside bare rsync and ssh, on a node that is set up.

    .venv/bin/python bench/deploy.py --node demo

Deploys `apps/hello` unchanged and with one changed file, and runs `rsync` and `ssh` with the same
files over a connection that is open already, in turn; prints the medians in seconds and the ratios.
"""

import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from silverlining import paths, playbook
from silverlining.app.uploads import rsync_filters
from silverlining.playbook import ROOT

LOCATION = "bench.hello.test"


@click.command(help=__doc__.partition("\n")[0])
@click.option("--node", default="demo", show_default=True, help="Where to deploy to.")
@click.option("--runs", default=5, show_default=True, help="Times that each is run.")
def main(node: str, runs: int) -> None:
    """Run the benchmark."""
    with tempfile.TemporaryDirectory() as directory:
        app = Path(directory) / "hello"
        shutil.copytree(ROOT / "apps/hello", app, symlinks=True)
        ssh = ssh_command(node, Path(directory))
        rsync_and_ssh(app, node, ssh)
        deploy(app, node)
        ways: dict[str, Callable[[], None]] = {
            "rsync and ssh": lambda: rsync_and_ssh(app, node, ssh),
            "deploy, nothing changed": lambda: deploy(app, node),
            "deploy, one file changed": lambda: deploy(touched(app), node),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(runs):
            for name, way in ways.items():
                seconds[name].append(timed(way))
    Console().print(table({name: statistics.median(each) for name, each in seconds.items()}))


def timed(way: Callable[[], None]) -> float:
    """Run something; how many seconds it took."""
    started = time.monotonic()
    way()
    return time.monotonic() - started


def deploy(app: Path, node: str) -> None:
    """Deploy an application to the node."""
    extra = {"app": str(app), "node": node, "location": LOCATION}
    done = playbook.run_quietly("deploy", extra)
    if done.status:
        raise click.ClickException(done.output)


def touched(app: Path) -> Path:
    """Change one file of an application."""
    (app / "static/bench.txt").write_text(str(time.time_ns()))
    return app


def rsync_and_ssh(app: Path, node: str, ssh: list[str]) -> None:
    """Send the files as they are, and run a command on the node."""
    shell = f"--rsh={shlex.join(ssh)}"
    copy = ["rsync", "-rlpt", shell, *rsync_filters(app), f"{app}/", f"{node}:/tmp/bench-hello/"]
    for command in (copy, [*ssh, node, "true"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def ssh_command(node: str, sockets: Path) -> list[str]:
    """The command that connects to a node, and keeps the connection open in `sockets`."""
    host = playbook.inventory()[node]
    options = {
        "HostName": host.get("ansible_host", node),
        "User": host.get("ansible_user", "root"),
        "IdentityFile": host.get("ansible_ssh_private_key_file", "~/.ssh/id_ed25519"),
        "HostKeyAlias": node,
        "UserKnownHostsFile": paths.known_hosts(),
        "ControlMaster": "auto",
        "ControlPersist": "60",
        "ControlPath": sockets / "socket",
    }
    return ["ssh", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]


def table(medians: dict[str, float]) -> Table:
    """The medians, and each one's ratio to the first."""
    base = next(iter(medians.values()))
    result = Table("what", "median s", "ratio", box=None)
    for name, median in medians.items():
        result.add_row(name, f"{median:.2f}", f"{median / base:.1f}")
    return result


if __name__ == "__main__":
    main()
