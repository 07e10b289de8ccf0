"""A host key that goes to a node as user data, on a real node with a real cloud-init.

The node is a local one, for which Libcloud's driver is replaced by one that takes user data: it
puts what it was given where cloud-init looks for it (NoCloud) and lets cloud-init do its work.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import Node

from silverlining import paths
from silverlining.nodes import arrival, engine, host_keys, making, rotation
from silverlining.nodes.docker_driver import DockerNodeDriver
from silverlining.nodes.making import NodeError, Wanted
from silverlining.nodes.sources import Source
from silverlining.polling import wait_until
from tests.silverlining.cloud import FakeDriver, make_node

pytestmark = pytest.mark.engine

NAME = "handed"
BOOT = """
rm -rf /var/lib/cloud
mkdir -p /var/lib/cloud/seed/nocloud
echo 'datasource_list: [NoCloud]' > /etc/cloud/cloud.cfg.d/99-test.cfg
echo 'instance-id: test-1' > /var/lib/cloud/seed/nocloud/meta-data
cat > /var/lib/cloud/seed/nocloud/user-data
cloud-init init --local
cloud-init init
systemctl restart ssh
"""


def shown(driver: "CloudDriver") -> list[str]:
    return [key for key in host_keys.scan(driver.address) if key.startswith("ssh-ed25519")]


class CloudDriver(FakeDriver):
    """Has one node, and takes user data for it."""

    def __init__(self, container: Any, address: str) -> None:
        super().__init__()
        self.container, self.address = container, address
        self.runs_cloud_init = True
        self.handed: list[str] = []
        self.at_first: list[str] = []

    def create_node(  # type: ignore[override]
        self, name: str, size: Any, image: Any, ex_userdata: str = ""
    ) -> Node:
        """Have cloud-init act upon the user data."""
        if self.runs_cloud_init:
            inside(self.container, BOOT, ex_userdata)
            self.handed, self.at_first = host_keys.handed(NAME), shown(self)
        self.nodes = [make_node(name, public_ips=[self.address], driver=self)]
        return self.nodes[0]


def inside(container: Any, script: str, text: str = "") -> str:
    """Run a script as root in a node; return what it printed."""
    command = ["docker", "exec", "-i", container.id, "sh", "-euc", script]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str, Path]]:
    """A local node with cloud-init, its address, and the state of the laptop that can log in."""
    state = tmp_path_factory.mktemp("laptop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(state))
        try:
            local = DockerNodeDriver()
        except engine.EngineError as error:
            pytest.skip(str(error))
        node = local.create_node(name=f"{NAME}-{state.stat().st_ino}")
        container = local.client.containers.get(str(node.id))
        try:
            install = "apt-get install --yes --no-install-recommends cloud-init"
            inside(container, "until systemctl is-active -q multi-user.target; do sleep 0.2; done")
            inside(container, f"apt-get update && DEBIAN_FRONTEND=noninteractive {install}")
            yield container, node.public_ips[0], state
        finally:
            local.destroy_node(node)


@pytest.fixture
def driver(machine: tuple[Any, str, Path], monkeypatch: pytest.MonkeyPatch) -> CloudDriver:
    container, address, state = machine
    monkeypatch.setenv("XDG_DATA_HOME", str(state))
    cloud = CloudDriver(container, address)
    monkeypatch.setattr(Source, "driver", lambda self: cloud)
    return cloud


@pytest.fixture
def source(driver: CloudDriver) -> Source:
    return Source(
        origin="x",
        provider="brightbox",  # of which the table says nothing
        user="admin",
        private_key_file=str(paths.private_key()),
        image="id ami-1",
        size="id t3",
    )


def test_a_node_shows_the_key_it_was_handed_and_makes_one_of_its_own(
    source: Source, driver: CloudDriver
) -> None:
    said: list[str] = []
    making.create(source, Wanted(NAME), said.append)
    assert len(driver.at_first) == 1
    assert driver.at_first == driver.handed
    assert shown(driver) == host_keys.lookup(NAME)
    assert not set(driver.handed) & set(host_keys.lookup(NAME))
    assert host_keys.handed(NAME) == []
    assert "TRUSTED" not in "\n".join(said)
    assert host_keys.fingerprint(*shown(driver)) in said[-1]
    assert inside(driver.container, "ls /etc/ssh | grep -c silver || true").strip() == "0"


class Killed(BaseException):
    """What ends a program at once."""


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_kill_at_any_step_leaves_a_key_that_lets_us_in_and_is_made_good(
    source: Source, driver: CloudDriver, step: int, is_done: bool
) -> None:
    making.create(source, Wanted(NAME), print)
    old = shown(driver)
    host_keys.record(NAME, [], handed=old)
    login = arrival._login(source, NAME, driver.address)
    steps: list[int] = []

    def killing(command: Sequence[str], text: str) -> "subprocess.CompletedProcess[str]":
        steps.append(len(steps))
        is_last = steps[-1] == step
        if is_last and not is_done:
            raise Killed
        done = login(command, text)
        if is_last:
            raise Killed
        return done

    with pytest.raises(Killed):
        rotation.rotate(NAME, killing)
    assert wait_until(lambda: login(["true"], "").returncode == 0, 10)  # sshd may be reloading
    [node] = source.nodes()
    making.take_over(source, node, 60)
    assert shown(driver) == host_keys.lookup(NAME)
    assert shown(driver) != old
    assert host_keys.handed(NAME) == []


def test_another_key_than_that_handed_over_is_refused(source: Source, driver: CloudDriver) -> None:
    driver.runs_cloud_init = False
    with pytest.raises(NodeError, match=r"shows another host key \(.*cloud_init: false"):
        making.create(source, Wanted(NAME, wait=4), print)


def test_without_a_trusted_channel_the_first_answer_is_said_to_be_trusted(
    driver: CloudDriver, source: Source
) -> None:
    driver.runs_cloud_init = False
    plain = replace(source, cloud_init=False)
    said: list[str] = []
    making.create(plain, Wanted(NAME), said.append)
    told = "\n".join(said)
    assert f"the first answer at {driver.address} was TRUSTED" in told
    assert host_keys.fingerprint(*shown(driver)) in told


def test_the_console_tells_the_key_where_no_user_data_is_taken(
    source: Source, driver: CloudDriver
) -> None:
    """What is on the console is what cloud-init itself prints there."""
    driver.runs_cloud_init = False
    printed = inside(
        driver.container,
        "/usr/lib/cloud-init/write-ssh-key-fingerprints '' '' 2>&1 || "
        "/usr/libexec/cloud-init/write-ssh-key-fingerprints '' '' 2>&1",
    )
    driver.ex_get_console_output = lambda node: {"output": printed}  # type: ignore[attr-defined]
    plain = replace(source, cloud_init=False)
    said: list[str] = []
    making.create(plain, Wanted(NAME), said.append)
    assert set(shown(driver)) <= set(host_keys.lookup(NAME))
    assert "host keys read from its console" in "\n".join(said)
