"""What a deploy to a set of many nodes costs this machine, beside plain rsync and ssh to each.

    .venv/bin/python bench/fan_out.py --nodes 40

Makes that many local nodes of one that was set up, which takes some 100 MB of memory each, and runs
in turn: `xargs -P` of `rsync` and `ssh`; one task of Ansible that does nothing; a deploy of
`apps/hello` that changes nothing; one that changes a file. Prints the medians of the wall time, of
the processor time of this machine's own processes per node, and of the rest per node. That rest is
the nodes' own work if nothing else runs: they share this machine's processors, while servers of
one's own would do it all at once. Leaves no node.
"""

import os
import resource
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from silverlining import paths, playbook
from silverlining.app.uploads import rsync_filters
from silverlining.nodes import engine, host_keys, image
from silverlining.nodes.docker_driver import DockerNodeDriver
from silverlining.nodes.providers import GROUPS_LABEL
from silverlining.playbook import ROOT

SEED = "fan-seed"
IMAGE = image.BaseImage("fan:1", "fan")
GROUPS = ("web", "set_fan")
LOCATION = "fan.hello.test"
AT_ONCE = 25

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Cost:
    """What something took.

    Attributes:
        wall: seconds until it was done.
        processor: processor seconds of this machine's own processes.
        others: processor seconds of everything else, which are the nodes if the machine is quiet.
    """

    wall: float
    processor: float
    others: float


@click.command(help=__doc__.partition("\n")[0])
@click.option("--nodes", default=40, show_default=True, help="Nodes to deploy to.")
@click.option("--runs", default=3, show_default=True, help="Times that each is run.")
def main(nodes: int, runs: int) -> None:
    """Run the benchmark."""
    engine.ensure(console.print)
    driver = DockerNodeDriver()
    with tempfile.TemporaryDirectory() as directory, many(driver, nodes) as names:
        app = Path(directory) / "hello"
        shutil.copytree(ROOT / "apps/hello", app, symlinks=True)
        plain = plainly(app, names, Path(directory))
        ways: dict[str, Callable[[], None]] = {
            f"xargs -P{AT_ONCE} rsync, ssh": plain,
            "a task of Ansible": lambda: run([playbook.program("ansible"), "set_fan", "-mping"]),
            "deploy, nothing changed": lambda: deploy(app),
            "deploy, one file changed": lambda: deploy(touched(app)),
        }
        for way in ways.values():  # Makes its connections.
            way()
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(runs):
            for name, way in ways.items():
                costs[name].append(measured(way))
    console.print(table(costs, nodes))


@contextmanager
def many(driver: DockerNodeDriver, count: int) -> Iterator[list[str]]:
    """Give a set of nodes that are set up; they are gone afterwards."""
    names = [f"fan-{number:02d}" for number in range(1, count + 1)]
    try:
        seed(driver)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: create(driver, name), names))
        time.sleep(10)  # Their services start.
        yield names
    finally:
        for node in driver.list_nodes():
            if node.name in {SEED, *names}:
                node.destroy()
                host_keys.forget(node.name)


def seed(driver: DockerNodeDriver) -> None:
    """Set up one node, and make an image of it."""
    setattr(image, "CATALOGUE", (*image.CATALOGUE, IMAGE))  # noqa: B010 (of a fixed length)
    base = image.default(driver.client)
    play("create-node", {"node": SEED, "group": ",".join(GROUPS), "if_not_exists": True})
    play("provision", {"node": SEED})
    node = next(each for each in driver.list_nodes() if each.name == SEED)
    labels = driver.client.images.get(base.tag).labels
    container = driver.client.containers.get(str(node.id))
    changes = [f'LABEL {image.RECIPE_LABEL}="{labels[image.RECIPE_LABEL]}"']
    repository, tag = IMAGE.tag.split(":")
    container.commit(repository, tag, changes=changes)
    node.destroy()
    host_keys.forget(SEED)


def create(driver: DockerNodeDriver, name: str) -> None:
    """Make a node of the image."""
    found = next(each for each in driver.list_images() if each.id == IMAGE.name)
    node = driver.create_node(name, image=found, ex_labels={GROUPS_LABEL: "-".join(GROUPS)})
    host_keys.record(name, [node.extra["host_key"]])


def plainly(app: Path, names: list[str], sockets: Path) -> Callable[[], None]:
    """Return what sends the files to every node with rsync, and runs a command there with ssh."""
    inventory = playbook.inventory()
    options = (
        f"-i {paths.private_key()} -o UserKnownHostsFile={paths.known_hosts()}"
        f" -o ControlMaster=auto -o ControlPersist=600 -o ControlPath={sockets}/%C"
    )
    ssh = f"ssh {options} -o HostKeyAlias=$0"
    filters = shlex.join(rsync_filters(app))
    script = (
        f'rsync -rlpt --checksum -e "{ssh}" {filters} {app}/ {image.LOGIN_USER}@$1:hello/'
        f" && {ssh} {image.LOGIN_USER}@$1 true"
    )
    pairs = "\n".join(f"{name} {inventory[name]['ansible_host']}" for name in names)
    command = ["xargs", "-n2", f"-P{AT_ONCE}", "sh", "-c", script]
    return lambda: run(command, pairs)


def run(command: list[str], given: str = "") -> None:
    """Run a program, which has to succeed."""
    subprocess.run(
        command,
        input=given,
        env=playbook.environment(),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def deploy(app: Path) -> None:
    """Deploy an application to the set."""
    play("deploy", {"app": str(app), "node": "fan", "location": LOCATION})


def play(name: str, extra: Mapping[str, object]) -> None:
    """Run a playbook, which has to succeed."""
    done = playbook.run_quietly(name, extra)
    if done.status:
        raise click.ClickException(done.output)


def touched(app: Path) -> Path:
    """Change one file of an application."""
    (app / "static/bench.txt").write_text(str(time.time_ns()))
    return app


def measured(way: Callable[[], None]) -> Cost:
    """Run something, and return what it took."""
    of_all, before = busy(), resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    way()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, processor, busy() - of_all - processor)


def busy() -> float:
    """Return the seconds that this machine's processors have worked for anyone (proc_stat(5))."""
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def table(costs: dict[str, list[Cost]], nodes: int) -> Table:
    """Return the medians, and each one's ratio to the first."""
    result = Table("what", box=None)
    for heading in ("wall s", "ratio", "s here a node", "ratio", "s on a node", "ratio"):
        result.add_column(heading, justify="right")
    medians = {
        name: (
            statistics.median(cost.wall for cost in each),
            statistics.median(cost.processor for cost in each) / nodes,
            statistics.median(cost.others for cost in each) / nodes,
        )
        for name, each in costs.items()
    }
    first = next(iter(medians.values()))
    for name, figures in medians.items():
        cells = zip(("{:.1f}", "{:.3f}", "{:.3f}"), figures, first, strict=True)
        result.add_row(
            name,
            *(
                cell
                for form, now, at_first in cells
                for cell in (form.format(now), f"{now / at_first:.1f}")
            ),
        )
    return result


if __name__ == "__main__":
    main()
