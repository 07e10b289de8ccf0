"""The driver against the real engine: its nodes are asked over SSH, as Ansible would."""

import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey, NodeSize
from libcloud.compute.deployment import ScriptDeployment
from libcloud.compute.types import DeploymentException, NodeState

from silverlining import paths
from silverlining.nodes import docker_driver, engine, host_keys, key_pairs
from silverlining.nodes.docker_driver import DockerNodeDriver, DockerNodeError
from silverlining.polling import wait_until

pytestmark = pytest.mark.engine

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield paths.state_dir()


@pytest.fixture(scope="module")
def driver(state: Path) -> DockerNodeDriver:
    try:
        engine.connect()
    except engine.EngineError as error:
        pytest.skip(str(error))
    return DockerNodeDriver()


@pytest.fixture(scope="module")
def prefix(driver: DockerNodeDriver) -> Iterator[str]:
    """Give a prefix for names; whatever bears it is removed at the end."""
    prefix = f"test-{secrets.token_hex(3)}-"
    yield prefix
    for node in driver.list_nodes():
        if node.name.startswith(prefix):
            driver.destroy_node(node)


@pytest.fixture(scope="module")
def node(driver: DockerNodeDriver, prefix: str) -> Node:
    """Give a node of the size tiny; tests leave it running."""
    node = driver.create_node(f"{prefix}one", size=size(driver, "tiny"))
    host_keys.record(node.name, [node.extra["host_key"]])
    assert wait_until(lambda: ssh(node, "true").returncode == 0, limit=20), ssh(node, "true").stderr
    return node


def size(driver: DockerNodeDriver, name: str) -> NodeSize:
    return next(each for each in driver.list_sizes() if each.name == name)


def ssh(node: Node, command: str, key: Path | None = None) -> "subprocess.CompletedProcess[str]":
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlias": node.name,
        "UserKnownHostsFile": str(paths.known_hosts()),
    }
    flags = [f"-o{name}={value}" for name, value in options.items()]
    return subprocess.run(
        [
            "ssh",
            *flags,
            "-i",
            str(key or paths.private_key()),
            f"admin@{node.public_ips[0]}",
            command,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_node_is_listed_with_what_it_was_made_of(driver: DockerNodeDriver, node: Node) -> None:
    [listed] = [each for each in driver.list_nodes() if each.name == node.name]
    assert (listed.id, listed.state, listed.public_ips) == (
        node.id,
        NodeState.RUNNING,
        node.public_ips,
    )
    assert listed.size is not None
    assert (listed.size.id, listed.size.ram) == ("tiny", 512)
    assert listed.image is not None
    assert listed.image.id == driver.list_images()[0].id


def test_systemd_has_started_everything(node: Node) -> None:
    done = ssh(node, "cat /proc/1/comm; systemctl is-system-running --wait; systemctl --failed")
    assert done.stdout.splitlines()[:2] == ["systemd", "running"], done.stdout


def test_the_user_is_admin_and_root_through_sudo_only(node: Node) -> None:
    assert ssh(node, "id -un; sudo -n id -un; hostname").stdout.split() == [
        "admin",
        "root",
        node.name,
    ]
    assert ssh(node, "sudo cat /root/.ssh/authorized_keys").stdout == ""


def test_nothing_of_our_stack_is_there(node: Node) -> None:
    done = ssh(
        node, "ls /usr/sbin/apache2 /usr/sbin/varnishd /usr/lib/postgresql /etc/silverlining"
    )
    assert done.stdout == ""


def test_the_listed_host_key_is_the_one_that_the_node_shows(node: Node) -> None:
    assert host_keys.scan(node.public_ips[0]) == [node.extra["host_key"]]


def test_memory_beyond_the_limit_is_refused(node: Node) -> None:
    in_a_unit = "sudo systemd-run --quiet --wait --collect /usr/bin/python3 -c"
    assert ssh(node, f"{in_a_unit} 'bytearray(200 << 20)'").returncode == 0
    assert ssh(node, f"{in_a_unit} 'bytearray(700 << 20)'").returncode != 0


def test_the_processor_limit_is_in_force(node: Node) -> None:
    find = f"find /sys/fs/cgroup/ -path '*{node.id}*' -name cpu.cfs_quota_us | sort | head -1"
    done = ssh(node, f"cat /sys/fs/cgroup/cpu.max || cat $({find})")
    assert done.stdout.split()[0] == "100000", done.stderr


def test_a_second_node_of_the_name_is_refused_and_the_first_kept(
    driver: DockerNodeDriver, node: Node
) -> None:
    with pytest.raises(DockerNodeError, match=f"Cannot create node {node.name}: .*in use"):
        driver.create_node(node.name)
    assert ssh(node, "true").returncode == 0


@pytest.mark.parametrize("name", ["", "Box", "a_b", "-a", "a-", "a b", "a" * 64, "a;reboot"])
def test_a_bad_name_is_refused(driver: DockerNodeDriver, name: str) -> None:
    with pytest.raises(DockerNodeError, match="Bad node name"):
        driver.create_node(name)


def test_a_node_stops_starts_and_reboots(driver: DockerNodeDriver, node: Node) -> None:
    def state() -> Any:
        return next(each for each in driver.list_nodes() if each.id == node.id).state

    driver.stop_node(node)
    assert state() == NodeState.STOPPED
    driver.start_node(node)
    assert state() == NodeState.RUNNING
    driver.reboot_node(node)
    assert wait_until(lambda: ssh(node, "true").returncode == 0, limit=20)


def test_a_node_takes_only_the_key_pair_that_it_was_made_with(
    driver: DockerNodeDriver, prefix: str, node: Node, tmp_path: Path
) -> None:
    pair = driver.create_key_pair("other")
    own = tmp_path / "other"
    own.write_text(str(pair.private_key))
    own.chmod(0o600)
    second = driver.create_node(f"{prefix}two", ex_key_pair="other")
    host_keys.record(second.name, [second.extra["host_key"]])
    assert wait_until(lambda: ssh(second, "true", key=own).returncode == 0, limit=20)
    assert "Permission denied" in ssh(second, "true").stderr
    assert second.extra["host_key"] != node.extra["host_key"]
    assert driver.destroy_node(second)
    assert not driver.destroy_node(second)


def test_key_pairs_are_made_listed_imported_and_deleted(driver: DockerNodeDriver) -> None:
    public = key_pairs.generate().public
    imported = driver.import_key_pair_from_string("imported", public)
    assert (imported.public_key, imported.private_key) == (public, None)
    assert imported.name in [pair.name for pair in driver.list_key_pairs()]
    assert driver.get_key_pair("imported").fingerprint == imported.fingerprint
    assert driver.delete_key_pair(imported)
    with pytest.raises(key_pairs.KeyPairError, match="No key pair 'imported'"):
        driver.get_key_pair("imported")


def test_a_password_is_refused(driver: DockerNodeDriver, prefix: str) -> None:
    with pytest.raises(DockerNodeError, match="SSH key, no password"):
        driver.create_node(f"{prefix}three", auth=NodeAuthPassword("x"))  # type: ignore[arg-type]


def test_deploy_node_runs_a_script(driver: DockerNodeDriver, prefix: str) -> None:
    script = ScriptDeployment("sudo id -un; hostname")
    driver.deploy_node(
        deploy=script, name=f"{prefix}four", auth=NodeAuthSSHKey(key_pairs.default())
    )
    assert (script.exit_status, str(script.stdout).split()) == (0, ["root", f"{prefix}four"])


def test_deploy_node_does_not_talk_to_a_machine_with_another_host_key(
    driver: DockerNodeDriver, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_nodes = driver.list_nodes

    def with_other_key() -> list[Node]:
        nodes = list_nodes()
        for each in nodes:
            each.extra["host_key"] = key_pairs.generate().public
        return nodes

    monkeypatch.setattr(driver, "list_nodes", with_other_key)
    script = ScriptDeployment("true")
    with pytest.raises(DeploymentException, match="Could not connect"):
        driver.deploy_node(deploy=script, name=f"{prefix}five", timeout=3)
    assert script.exit_status is None


def test_a_container_that_dies_is_removed_and_its_last_words_are_shown(
    driver: DockerNodeDriver, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = ["sh", "-c", "echo Failed to create control group inotify object; exit 255"]
    for version, cgroups in docker_driver._CGROUPS.items():
        monkeypatch.setitem(docker_driver._CGROUPS, version, {**cgroups, "command": dying})
    with pytest.raises(DockerNodeError, match=r"(?s)control group inotify object.*sysctl"):
        driver.create_node(f"{prefix}six")
    assert f"{prefix}six" not in [each.name for each in driver.list_nodes()]


def test_what_a_killed_create_left_is_replaced(
    driver: DockerNodeDriver, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(driver, "_start", lambda container: None)
        left = driver.create_node(f"{prefix}seven")
    assert left.state == NodeState.PENDING
    assert driver.create_node(f"{prefix}seven").state == NodeState.RUNNING


def test_sizes_fit_this_machine_and_one_location_is_offered(driver: DockerNodeDriver) -> None:
    info = driver.client.info()
    assert {each.id for each in driver.list_sizes()} >= {"tiny"}
    assert all(each.extra["cpus"] <= info["NCPU"] for each in driver.list_sizes())
    assert [each.name for each in driver.list_locations()] == [info["Name"]]


def test_an_unknown_option_of_the_driver_is_refused() -> None:
    with pytest.raises(DockerNodeError, match="provider docker has no option region"):
        DockerNodeDriver(region="eu")
