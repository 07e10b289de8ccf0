"""What a deploy to a set of very many nodes takes of this machine's memory; the nodes are not real.

    .venv/bin/python bench/simulated_set.py --nodes 1000

In the place of ssh stands a script that runs, on this machine, what a node would be asked to, and
answers as `silver-node` does; rsync compares and uploads for real, to a directory for each node.
All else is real: the inventory, the playbook, the actions. Prints the wall time, and the most
memory that all processes of the deploy had at one moment (PSS). What stands for the nodes and for
ssh is small: a real ssh takes some 2 MB for each node that holds its trial, see `--ssh-of`.
"""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import yaml
from rich.console import Console

from silverlining import playbook
from silverlining.playbook import ROOT

LOCATION = "simulated.test"
SAMPLE_SECONDS = 0.5

SSH = r"""#!/bin/sh
# What stands for ssh: runs the command here.
for word; do
  case $word in HostKeyAlias=*) NODE=${word#*=} ;; esac
  last=$word
done
case "$*" in
  *"rsync --server"*) last=$(expr "$*" : '.*\(sudo -n rsync --server.*\)') ;;
esac
export NODE PATH="$HERE:$PATH"
edits="s,/usr/local/sbin/silver-node,$HERE/silver-node,g; s,silver-hello,root,g"
exec sh -c "$(printf %s "$last" | sed "$edits")"
"""
SUDO = r"""#!/bin/sh
while case $1 in -u) shift ;; -*) ;; *) false ;; esac do shift; done
exec "$@"
"""
PROGRAM = r"""#!/bin/sh
read -r request
case $1 in
  prepare) sed "s,NODE,$NODE,g" "$HERE/needs.json" ;;
  switch)
    echo '{"tried": "hello.20261128_002"}'
    read -r word && [ "$word" = serve ] || exit 1
    cat "$HERE/answer.json" ;;
  *) echo '{}' ;;
esac
"""


@click.command(help=__doc__.partition("\n")[0])
@click.option("--nodes", default=1000, show_default=True, help="Nodes to deploy to.")
@click.option("--ssh-of", metavar="NODE", help="Also measure a real ssh, to this local node.")
def main(nodes: int, ssh_of: str | None) -> None:
    """Run the benchmark."""
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        lay(here, nodes)
        command = [playbook.program("ansible-playbook"), str(ROOT / "deploy.yml")]
        command += ["-i", str(here / "inventory"), "-e", "app=hello", "-e", "node=many"]
        environment = playbook.environment() | {
            "HERE": directory,
            "ANSIBLE_HOME": f"{here}/ansible",
        }
        began = time.monotonic()
        with (here / "log").open("w") as log:
            process = subprocess.Popen(
                [*command, "-e", f"location={LOCATION}"], env=environment, stdout=log, stderr=log
            )
            with most_memory(process.pid) as samples:
                status = process.wait()
        if status:
            raise click.ClickException((here / "log").read_text()[-3000:])
        console.print(
            f"{nodes} nodes: {time.monotonic() - began:.0f} s,"
            f" at most {max(samples) / 2**20:.0f} MB (PSS) in {len(samples)} samples"
        )
    if ssh_of:
        console.print(f"an ssh that waits, over an open connection: {waiting_ssh(ssh_of):.1f} MB")


def lay(here: Path, count: int) -> None:
    """Lay the inventory, the scripts, and the files of the instance that is active everywhere."""
    for name, text in {"ssh": SSH, "sudo": SUDO, "silver-node": PROGRAM}.items():
        (here / name).write_text(text)
        (here / name).chmod(0o755)
    needs = {
        "active": "",
        "disabled": False,
        "base": f"{here}/base",
        "staging": f"{here}/nodes/NODE",
        "next": "hello.20261128_002",
        "secret": "digest",
        "config": "",
        "edits": None,
        "services": [],
        "packages": [],
        "outdated": False,
        "free_bytes": 10**9,
        "python": "3.11",
        "machine": os.uname().machine,
        "libc": ["glibc", "2.36"],
        "warnings": [],
    }
    (here / "needs.json").write_text(json.dumps(needs) + "\n")
    answer = {"instance": "hello.20261128_002", "previous": "", "removed": [], "freed": 0}
    (here / "answer.json").write_text(json.dumps({**answer, "warnings": []}) + "\n")
    (here / "nodes").mkdir()
    copy = ["rsync", "-a", "--exclude=__pycache__", f"{ROOT}/apps/hello/", f"{here}/base/"]
    subprocess.run(copy, check=True)
    inventory = here / "inventory"
    inventory.mkdir()
    (inventory / "group_vars").symlink_to(ROOT / "inventory/group_vars")
    host = {"ansible_host": "192.0.2.1", "ansible_user": "admin"}
    host |= {"ansible_ssh_executable": f"{here}/ssh"}
    names = {f"many-{number:04d}": None for number in range(count)}
    hosts = {name: dict(host) for name in names}
    groups = {"web": {"hosts": names}, "set_many": {"hosts": names}}
    (inventory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}, **groups}))


@contextmanager
def most_memory(pid: int) -> Iterator[list[int]]:
    """Give a list of the bytes that a process and all that it has started take, as time passes."""
    samples, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            samples.append(sum(map(memory, family(pid))))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        found = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return  # It has ended.
    for child in found:
        yield from family(int(child))


def memory(pid: int) -> int:
    """Return the proportional set size of a process in bytes, 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def waiting_ssh(node: str) -> float:
    """Return the megabytes that the ssh of one held trial takes, over a connection that is open."""
    from silverlining.remote import connections  # Ansible reads its configuration with it.

    with tempfile.TemporaryDirectory() as sockets:
        way = connections.to_node(node)
        shared = ["-o", f"ControlPath={sockets}/%C", "-o", "ControlPersist=30"]
        program, *options = way.ssh
        opened = [program, "-o", "ControlMaster=auto", *shared, *options, way.host, "true"]
        subprocess.run(opened, check=True, stderr=subprocess.DEVNULL)
        held = [program, "-o", "ControlMaster=no", *shared, *options, way.host, "cat"]
        with subprocess.Popen(held, stdin=subprocess.PIPE) as process:
            time.sleep(1)
            taken = memory(process.pid)
            process.communicate()
    return taken / 2**20


if __name__ == "__main__":
    main()
