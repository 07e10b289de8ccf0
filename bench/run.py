"""What `silver run` costs beside bare ssh, on a node with the demo's sample applications.

    .venv/bin/python bench/run.py --node demo

Runs `true` in turn by ssh, by `silver run`, and by a `silver run` that remembers nothing of
the inventory; prints the medians in seconds and what they take more than ssh.
"""

import os
import statistics
import subprocess
import time

import click
from rich.console import Console
from rich.table import Table

from silverlining.playbook import ROOT
from silverlining.remote import connections


@click.command(help=__doc__.partition("\n")[0])
@click.option("--node", default="demo", show_default=True, help="Where to run it.")
@click.option("--location", default="hello.test", show_default=True, help="Whose environment.")
@click.option("--runs", default=9, show_default=True, help="Times that each is run.")
def main(node: str, location: str, runs: int) -> None:
    """Run the benchmark."""
    way = connections.to_node(node)
    run = [str(ROOT / "silver"), "run", "--node", node, location, "true"]
    # An inventory that is named is not remembered.
    named = {"ANSIBLE_INVENTORY": str(ROOT / "inventory")}
    ways: dict[str, tuple[list[str], dict[str, str]]] = {
        "ssh": ([*way.ssh, "-S", "none", way.host, "true"], {}),
        "silver run": ([*run], {}),
        "silver run, asking Ansible": ([*run], named),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, (command, variables) in ways.items():
            seconds[name].append(timed(command, variables))
    Console().print(table({name: statistics.median(each) for name, each in seconds.items()}))


def timed(command: list[str], variables: dict[str, str]) -> float:
    """Run a command; how many seconds it took."""
    started = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=os.environ | variables)
    return time.monotonic() - started


def table(medians: dict[str, float]) -> Table:
    """The medians, and what each takes more than the first."""
    base = next(iter(medians.values()))
    result = Table("what", "median s", "more than ssh", box=None)
    for name, median in medians.items():
        result.add_row(name, f"{median:.2f}", f"{median - base:+.2f}")
    return result


if __name__ == "__main__":
    main()
