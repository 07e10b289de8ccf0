"""What our inventory plugin adds to Ansible's own time, for many nodes.

    .venv/bin/python -m bench.inventory

Runs `ansible-inventory --list` for several numbers of nodes, with Ansible's own plugins `yaml` (a
file) and `script` (a program that prints JSON) and with ours, in turn. Ours asks a cloud on this
machine, which answers over HTTP as OpenStack does; the others have the same hosts, groups and
variables. Prints the medians of wall and processor time in seconds, and what each takes more of the
processor than the faster one of Ansible's own.
"""

import json
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml
from rich.console import Console
from rich.table import Table

from silverlining import playbook
from tests.support import cloud_server
from tests.support.cloud_server import Cloud

KEPT = "cache: true\ncache_plugin: jsonfile\ncache_connection: {}\n"

MORE = {
    "libcloud, 1 keyed group": "keyed_groups: [{key: libcloud_extra.vm_state, prefix: vm}]\n",
    "libcloud, 1 composed variable": "compose: {ansible_port: 20 + 2}\n",
}


@dataclass(frozen=True)
class Way:
    """A source of the inventory.

    Attributes:
        path: The source.
        plugin: The one that reads it.
    """

    path: Path
    plugin: str

    def listing(self) -> dict[str, Any]:
        """List the inventory."""
        command = [playbook.program("ansible-inventory"), "--list", "-i", str(self.path)]
        environment = playbook.environment() | {"ANSIBLE_INVENTORY_ENABLED": self.plugin}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise click.ClickException(done.stderr.decode())
        listing: dict[str, Any] = json.loads(done.stdout)
        return listing


class Seconds(NamedTuple):
    """How long something took, by the clock and of the processor."""

    wall: float
    processor: float


@click.command(help=__doc__.partition("\n")[0])
@click.option("--runs", default=3, show_default=True, help="Times that each is run.")
@click.argument("sizes", type=int, nargs=-1)
def main(runs: int, sizes: tuple[int, ...]) -> None:
    """Run the benchmark, by default for 100, 1,000 and 5,000 nodes."""
    for size in sizes or (100, 1000, 5000):
        with tempfile.TemporaryDirectory() as directory, cloud_server.running() as cloud:
            cloud.names = [f"node-{number}" for number in range(size)]
            ways = sources(Path(directory), cloud)
            runs_of: dict[str, list[Seconds]] = {name: [] for name in ways}
            for _ in range(runs):
                for name, way in ways.items():
                    runs_of[name].append(timed(way))
        Console().print(table(size, {name: median(each) for name, each in runs_of.items()}))


def sources(directory: Path, cloud: Cloud) -> dict[str, Way]:
    """Write a source for each way; all but the first two are our plugin's."""
    texts = {"libcloud": "", "libcloud, kept answer": KEPT.format(directory / "cache"), **MORE}
    ours = {}
    for number, (name, text) in enumerate(texts.items()):
        path = directory / f"cloud{number}.libcloud.yml"
        path.write_text(cloud.source + text)
        ours[name] = Way(path, "libcloud")
    ours["libcloud, kept answer"].listing()
    listing = ours["libcloud"].listing()
    file, script = directory / "nodes.yml", directory / "nodes"
    file.write_text(yaml.dump(as_file(listing), Dumper=yaml.CSafeDumper))
    (directory / "nodes.json").write_text(json.dumps(listing))
    script.write_text(f"#!/bin/sh\ncat {shlex.quote(str(directory / 'nodes.json'))}\n")
    script.chmod(0o755)
    return {"yaml": Way(file, "yaml"), "script": Way(script, "script"), **ours}


def as_file(listing: Mapping[str, Any]) -> dict[str, Any]:
    """Return a listing as the plugin `yaml` reads it."""
    unsafe = json.dumps(listing["_meta"]["hostvars"])
    hosts = json.loads(unsafe, object_hook=lambda each: each.get("__ansible_unsafe", each))
    groups = {
        name: {"hosts": dict.fromkeys(group["hosts"])}
        for name, group in listing.items()
        if "hosts" in group
    }
    return {"all": {"hosts": hosts, "children": groups}}


def timed(way: Way) -> Seconds:
    """List an inventory; how long it took."""
    started, before = time.monotonic(), os.times()
    way.listing()
    after = os.times()
    children = after.children_user - before.children_user
    children += after.children_system - before.children_system
    return Seconds(time.monotonic() - started, children)


def median(runs: Sequence[Seconds]) -> Seconds:
    """The medians of several runs."""
    return Seconds(*(statistics.median(each) for each in zip(*runs, strict=True)))


def table(size: int, medians: Mapping[str, Seconds]) -> Table:
    """The medians, and how each differs from the faster one of Ansible's own."""
    own = min(medians["yaml"].processor, medians["script"].processor)
    result = Table("plugin", "wall", "processor", "added", "ratio", box=None, title=f"{size} nodes")
    for name, (wall, processor) in medians.items():
        added = (f"{processor - own:+.2f}", f"{processor / own:.2f}")
        result.add_row(name, f"{wall:.2f}", f"{processor:.2f}", *added)
    return result


if __name__ == "__main__":
    main()
