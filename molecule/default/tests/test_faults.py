"""Whatever dies, the sites go on, and the next update works."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import apps, runs
from tests.support.node import Figure, Node, cloud_node, driver, eventually

SITES = ("hello.test", "questioner.test", "places.test", "probe.test")
# The brackets keep the shell that looks for it from being found.
SWITCHING = "[s]ilver-node switch"
SLOW_IMPORT = "import time\ntime.sleep({seconds})\n"


@pytest.fixture
def all_sites(samples: Node, probe: Node) -> Node:
    """A node that serves the samples and the probe."""
    return probe


@pytest.fixture
def slow(tmp_path: Path) -> Callable[[float], Path]:
    """Makes the probe anew, with an import that takes some seconds."""

    def make(seconds: float) -> Path:
        runner = (apps.PROBE / "src/runner.py").read_text()
        text = runner + SLOW_IMPORT.format(seconds=seconds)
        return apps.copy(apps.PROBE, tmp_path / f"slow{seconds}", {"src/runner.py": text})

    return make


def serves(node: Node, *hosts: str) -> None:
    """Check that sites are served."""
    for host in hosts or SITES:
        node.page(host)


def kill(process: subprocess.Popen[str]) -> runs.Run:
    """Kill a playbook with all that it has started on this machine, as a dead laptop would."""
    os.killpg(process.pid, signal.SIGKILL)
    return runs.finish(process)


def wait_for(node: Node, command: str) -> None:
    """Wait until a command of the shell succeeds on a node."""

    def succeeds() -> None:
        done = node.host.run(command)
        assert done.rc == 0, f"{command}: {done.stdout}{done.stderr}"

    eventually(succeeds, seconds=30, pause=0)


def leftovers(node: Node, app: str) -> list[str]:
    """Return what a node has of uploads, and of instances that are not in its registry."""
    names = {
        name.partition(".")[2]
        for name in node.registry()["addresses"]
        if name.startswith(f"{app}.")
    }
    traces = [trace for trace in node.traces(app) if "/etc/varnish/" not in trace]
    return [trace for trace in traces if not any(name in trace for name in names)]


@contextmanager
def update_works_afterwards(node: Node, tmp_path: Path) -> Iterator[None]:
    """Check that the probe is served after the block, and that an update clears up after it."""
    serves(node, "probe.test")
    yield
    serves(node, "probe.test")
    node.must_deploy(apps.copy(apps.PROBE, tmp_path / "next", {"static/next.txt": tmp_path.name}))
    assert node.page("probe.test", "/next.txt").text == tmp_path.name
    assert leftovers(node, "probe") == []


def test_a_killed_apache_comes_back(all_sites: Node, figure: Figure) -> None:
    instance = all_sites.active("hello.test")
    unit = f"silver-hello@{instance.partition('.')[2]}"
    all_sites.sh(f"kill -9 $(systemctl show -p MainPID --value {unit})")
    serves(all_sites, *SITES[1:])
    seconds = eventually(lambda: serves(all_sites, "hello.test"))
    figure(f"{seconds:.1f} s until a killed Apache serves again")
    assert all_sites.active("hello.test") == instance


def test_a_killed_python_comes_back(all_sites: Node) -> None:
    """Of an Apache's children, the one that runs the application is the first."""
    unit = f"silver-hello@{all_sites.active('hello.test').partition('.')[2]}"
    all_sites.sh(f"kill -9 $(pgrep -o -P $(systemctl show -p MainPID --value {unit}))")
    eventually(lambda: serves(all_sites, "hello.test"))


@pytest.mark.parametrize("service", ["postgresql", "varnish"])
def test_sites_survive_a_restart(all_sites: Node, service: str, figure: Figure) -> None:
    all_sites.page("places.test")
    all_sites.sh(f"systemctl restart {service}")
    seconds = eventually(lambda: serves(all_sites))
    figure(f"{seconds:.1f} s until all sites serve after a restart of {service}")
    for _ in range(10):
        serves(all_sites, "places.test")


def test_a_killed_varnish_comes_back_with_every_site(all_sites: Node) -> None:
    all_sites.sh("kill -9 $(systemctl show -p MainPID --value varnish)")
    eventually(lambda: serves(all_sites))


def test_a_program_killed_on_the_node(
    all_sites: Node, slow: Callable[[float], Path], tmp_path: Path
) -> None:
    with update_works_afterwards(all_sites, tmp_path):
        process = all_sites.start_deploy(slow(8))
        wait_for(all_sites, f"pgrep -f '{SWITCHING}' && sleep 1")
        all_sites.sh(f"pkill -9 -f '{SWITCHING}'")
        run = runs.finish(process)
        assert run.status != 0, str(run)


def test_a_laptop_that_dies_while_it_uploads(all_sites: Node, tmp_path: Path) -> None:
    rsync = tmp_path / "bin/rsync"
    apps.change(tmp_path, "bin/rsync", '#!/bin/sh\nexec /usr/bin/rsync --bwlimit=500 "$@"\n')
    rsync.chmod(0o755)
    big = apps.copy(apps.PROBE, tmp_path / "big")
    (big / "static/big").write_bytes(os.urandom(5_000_000))
    with update_works_afterwards(all_sites, tmp_path):
        process = all_sites.start_deploy(big, path=rsync.parent)
        wait_for(all_sites, "ls /var/www/.staging/probe.*/static")
        kill(process)
        # What was uploaded is removed after a day, for nobody knows whether more is to come.
        all_sites.sh("cd /var/www/.staging && for each in probe.*; do mv $each probe.1; done")


def test_a_laptop_that_dies_while_the_node_switches(
    all_sites: Node, slow: Callable[[float], Path], tmp_path: Path
) -> None:
    with update_works_afterwards(all_sites, tmp_path):
        process = all_sites.start_deploy(slow(3))
        wait_for(all_sites, f"pgrep -f '{SWITCHING}'")
        kill(process)
        # The node goes on by itself, and comes to an end.
        wait_for(all_sites, f"! pgrep -f '{SWITCHING}'")


def test_of_two_updates_at_once_one_is_told_of_the_other(
    all_sites: Node, slow: Callable[[float], Path]
) -> None:
    copies = [slow(2), slow(2.5)]
    both = [runs.finish(each) for each in [all_sites.start_deploy(copy) for copy in copies]]
    assert sorted(bool(run.status) for run in both) == [False, True], both
    loser = next(run for run in both if run.status)
    told = "probe is being changed on this node by" in loser.words
    assert told or "was switched to" in loser.words, loser
    serves(all_sites, "probe.test")
    assert leftovers(all_sites, "probe") == []


def test_a_damaged_registry_is_rebuilt(all_sites: Node) -> None:
    before = all_sites.registry()
    all_sites.sh("echo '{\"locations\": {' > /var/lib/silverlining/registry.json")
    run = all_sites.deploy(apps.sample("hello"))
    assert run.status != 0, str(run)
    assert "registry.json is damaged" in run.words, str(run)
    assert "silver-node rebuild" in run.words, str(run)
    serves(all_sites)
    all_sites.sh("silver-node rebuild")
    assert all_sites.registry() == before
    serves(all_sites)
    run = all_sites.deploy(apps.sample("hello"))
    assert (run.status, run.changed) == (0, 0), str(run)


def test_a_node_comes_back_with_all_sites(all_sites: Node, figure: Figure) -> None:
    driver().reboot_node(cloud_node(all_sites.name))
    all_sites.address = str(cloud_node(all_sites.name).public_ips[0])
    seconds = eventually(lambda: serves(all_sites), seconds=60)
    figure(f"{seconds:.1f} s until all sites serve after the node has stopped")
    for host in SITES:
        assert "arnish" in all_sites.page(host).headers["Via"]
