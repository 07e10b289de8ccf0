"""Nodes of Amazon's EC2, which is moto's server here: all but SSH, which its nodes do not have."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from libcloud.compute.types import NodeState

from silverlining.nodes import arrival, cloud_init, failures, host_keys, making, providers, sources
from silverlining.nodes.making import NodeError, Wanted
from silverlining.nodes.node_facts import node_groups
from silverlining.nodes.sources import Source, SourceError
from silverlining.playbook import ROOT
from tests.support.ec2 import KEY, SECRET, Cloud, Fault

UBUNTU = "first name ubuntu/images/*xenial*"
WEB1 = Wanted("web1", UBUNTU, "id t3.small", ["web", "set_shop"], wait=0)


@pytest.fixture
def source(cloud: Cloud, laptop: Path) -> Source:
    return sources.load(file_of(cloud, laptop))


def file_of(cloud: Cloud, laptop: Path, **options: Any) -> Path:
    settings = {"private_key_file": str(laptop / "id"), **options}
    return cloud.source(laptop / "amazon.libcloud.yml", **settings)


def user_data(source: Source, node: Any) -> str:
    connection: Any = source.driver().connection
    attribute = connection.request(
        "/",
        params={
            "Action": "DescribeInstanceAttribute",
            "InstanceId": node.id,
            "Attribute": "userData",
        },
    )
    [value] = [each.text for each in attribute.object.iter() if each.tag.endswith("value")]
    return base64.b64decode(value).decode()


def test_a_node_is_made_listed_and_destroyed(source: Source, cloud: Cloud, laptop: Path) -> None:
    made = making.create(source, WEB1, print)
    [listed] = source.nodes()
    assert (listed.id, listed.name, listed.state) == (made.id, "web1", NodeState.RUNNING)
    assert node_groups(listed) == ["web", "set_shop"]
    assert listed.extra["instance_type"] == "t3.small"
    [pair] = source.driver().list_key_pairs()
    assert listed.extra["key_name"] == pair.name
    making.destroy(source, listed)
    assert source.nodes() == []
    assert host_keys.lookup("web1") == []


def test_a_key_pair_of_the_account_is_taken_again(source: Source) -> None:
    making.create(source, WEB1, print)
    making.create(source, Wanted("web2", UBUNTU, "id t3.small", wait=0), print)
    assert len(source.driver().list_key_pairs()) == 1


def test_a_key_pair_that_the_source_names_is_left_alone(cloud: Cloud, laptop: Path) -> None:
    driver = sources.load(file_of(cloud, laptop)).driver()
    driver.import_key_pair_from_string("mine", (laptop / "id.pub").read_text())
    source = sources.load(file_of(cloud, laptop, create_options={"ex_keyname": "mine"}))
    assert making.create(source, WEB1, print)
    assert source.nodes()[0].extra["key_name"] == "mine"


def test_the_host_key_of_the_user_data_is_the_recorded_one(cloud: Cloud, laptop: Path) -> None:
    theirs = "#cloud-config\npackages:\n- htop\n"
    source = sources.load(file_of(cloud, laptop, create_options={"ex_userdata": theirs}))
    node = making.create(source, WEB1, print)
    config = yaml.safe_load(user_data(source, node))
    assert config["packages"] == ["htop"]
    assert host_keys.handed("web1") == [config["ssh_keys"]["ed25519_public"]]


def test_user_data_that_cannot_be_merged_is_sent_as_it_is(cloud: Cloud, laptop: Path) -> None:
    script = "#!/bin/sh\nreboot\n"
    source = sources.load(file_of(cloud, laptop, create_options={"ex_userdata": script}))
    said: list[str] = []
    node = making.create(source, WEB1, said.append)
    assert user_data(source, node) == script
    assert "no host key is handed over" in said[0]
    assert host_keys.lookup("web1") == []


def test_a_pattern_that_matches_several_images_names_them(source: Source, cloud: Cloud) -> None:
    wanted = Wanted("web1", "name ubuntu/*", "id t3.small", wait=0)
    with pytest.raises(Exception, match=r"2 images match 'name ubuntu/\*': ubuntu/images/hvm"):
        making.create(source, wanted, print)
    assert "RunInstances" not in cloud.actions


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("RunInstances", "VcpuLimitExceeded", "more vCPU"), "a quota of the account"),
        (Fault("RunInstances", "InstanceLimitExceeded"), "a quota of the account"),
        (Fault("RunInstances", "UnauthorizedOperation", status=403), "credentials are wrong or"),
        (Fault("RunInstances", "InvalidAMIID.NotFound", "no such AMI"), "no such AMI"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(
    source: Source, cloud: Cloud, fault: Fault, message: str
) -> None:
    cloud.faults = [fault]
    with pytest.raises(SourceError, match=message) as refused:
        making.create(source, WEB1, print)
    text = str(refused.value)
    assert text.startswith(f"{source.origin}: provider ec2: ")
    assert "\n" not in text
    assert cloud.actions.count("RunInstances") == 1
    assert (source.nodes(), host_keys.lookup("web1")) == ([], [])


def test_wrong_credentials_are_one_line_without_them(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    with pytest.raises(SourceError, match="key_env and secret_env") as refused:
        source.nodes()
    assert "AKIAWRONG" not in str(refused.value)


def test_a_rate_limit_is_waited_for(source: Source, cloud: Cloud) -> None:
    cloud.faults = [
        Fault("DescribeInstances", "RequestLimitExceeded", status=503, times=2),
        Fault("RunInstances", "RequestLimitExceeded", status=503),
    ]
    making.create(source, WEB1, print)
    assert [node.name for node in source.nodes()] == ["web1"]
    after_refusal = cloud.actions[cloud.actions.index("RunInstances") :]
    assert after_refusal[:2] == ["RunInstances", "DescribeInstances"]
    assert cloud.actions.count("RunInstances") == 2


def test_a_rate_limit_is_not_waited_for_for_ever(
    source: Source, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = failures.patient
    monkeypatch.setattr(failures, "patient", lambda: patient(longest=2))
    cloud.faults = [Fault("DescribeInstances", "Throttling", status=503, times=99)]
    with pytest.raises(SourceError, match="it was asked too often"):
        source.nodes()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("RunInstances", "InternalError", status=500, done=True),
        Fault("RunInstances", "", "<html>gateway</html>", status=504, done=True),
        Fault("RunInstances", "", "not XML at all", status=200, done=True),
    ],
)
def test_a_node_that_was_made_all_the_same_is_taken(
    source: Source, cloud: Cloud, fault: Fault
) -> None:
    cloud.faults = [fault]
    said: list[str] = []
    making.create(source, WEB1, said.append)
    assert cloud.actions.count("RunInstances") == 1
    [node] = source.nodes()
    assert yaml.safe_load(user_data(source, node))["ssh_keys"]["ed25519_public"] in (
        host_keys.handed("web1")
    )
    assert "Looking whether it was made all the same" in said[0]


def test_a_node_that_never_appears_is_not_asked_for_again(
    source: Source, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "APPEARANCE_SECONDS", 1)
    monkeypatch.setattr(making, "_PAUSE_SECONDS", 0.3)
    cloud.faults = [Fault("RunInstances", "InternalError", status=500)]
    with pytest.raises(NodeError, match=r"No node web1 has appeared .* \./silver list-nodes"):
        making.create(source, WEB1, print)
    assert cloud.actions.count("RunInstances") == 1


def test_a_connection_that_breaks_is_told_as_such(cloud: Cloud, laptop: Path) -> None:
    options = {"host": "127.0.0.1", "port": 9, "secure": False}
    source = sources.load(file_of(cloud, laptop, options=options))
    with pytest.raises(SourceError, match="it cannot be reached"):
        source.nodes()


def test_a_node_without_ssh_is_named_with_what_removes_it(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_there = "127.0.0.1"
    monkeypatch.setattr(arrival, "address", lambda node: nothing_there)
    monkeypatch.setattr(arrival, "TELL_SECONDS", 1)
    monkeypatch.setattr(host_keys, "scan", no_answer)
    said: list[str] = []
    with pytest.raises(NodeError) as failed:
        making.create(source, Wanted("web1", UBUNTU, "id t3.small", wait=4), said.append)
    assert "shows no SSH server after 4 s" in str(failed.value)
    assert f"./silver destroy-node web1 --source {source.origin}" in str(failed.value)
    assert "web1: waiting for SSH at 127.0.0.1 (" in "\n".join(said)


def no_answer(address: str) -> list[str]:
    raise host_keys.HostKeyError("nothing")


def test_the_console_is_read(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto has a console with nothing of cloud-init on it."""
    node = making.create(source, WEB1, print)
    driver = source.driver()
    ways = providers.of("ec2", driver)
    text = providers.console_text(ways, driver, node)
    assert "Linux version" in text
    assert cloud_init.console_keys(text) == []


def silver(cloud: Cloud, laptop: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "silverlining", *words],
        cwd=ROOT,
        env=os.environ | cloud.environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_work_and_show_no_credentials_even_with_vvv(
    cloud: Cloud, laptop: Path
) -> None:
    file = str(file_of(cloud, laptop, image=UBUNTU, size="id t3.small"))
    create = ("create-node", "web1", "--source", file, "--group", "web", "--no-wait")
    shown = ""
    for words in (
        (*create, "-vvvv"),
        (*create, "--if-not-exists", "-vvvv"),
        ("list-nodes", "--source", file),
        ("destroy-node", "web1", "--yes", "--source", file, "-vvvv"),
    ):
        done = silver(cloud, laptop, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        shown += done.stdout + done.stderr
    assert "web1: made by ec2, id i-" in shown
    assert (KEY in shown, SECRET in shown) == (False, False)
    assert "PRIVATE KEY" not in shown


def test_the_inventory_and_its_cache_hold_no_credentials(
    cloud: Cloud, laptop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(laptop / "cache")}
    file = file_of(cloud, laptop, **cache)
    making.create(sources.load(file), WEB1, print)
    listed = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", file, "--list", "-vvv"],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=True,
    )
    kept = "".join(path.read_text() for path in (laptop / "cache").iterdir())
    assert "web1" in kept
    for text in (listed.stdout, listed.stderr, kept):
        assert (KEY in text, SECRET in text, "PRIVATE KEY" in text) == (False, False, False)


def test_an_error_shows_no_credentials_even_with_all_tracebacks(cloud: Cloud, laptop: Path) -> None:
    """In the older regions the key and a signature are in the address, which errors contain."""
    nowhere = {"host": "127.0.0.1", "port": 9, "secure": False, "signature_version": "2"}
    file = file_of(cloud, laptop, options=nowhere, image=UBUNTU, size="id t3.small")
    shown = ""
    for program, *words in (
        ("ansible-inventory", "-i", file, "--list", "-vvv"),
        ("ansible-playbook", "playbooks/create-node.yml", "-vvv", "-e", f"node=a source={file}"),
    ):
        done = subprocess.run(
            [Path(sys.executable).parent / program, *words],
            cwd=ROOT,
            env=os.environ
            | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_DISPLAY_TRACEBACK": "always"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        shown += done.stdout + done.stderr
    assert "it cannot be reached" in shown
    assert (KEY in shown, SECRET in shown) == (False, False)


def test_the_nodes_of_a_set_are_made_at_once_with_credentials_that_only_ansible_can_read(
    cloud: Cloud, laptop: Path
) -> None:
    file = file_of(
        cloud,
        laptop,
        key_env=None,
        secret_env=None,
        key="{{ lookup('ansible.builtin.env', 'SHOP_KEY') }}",
        secret="{{ lookup('ansible.builtin.env', 'SHOP_SECRET') }}",
        image=UBUNTU,
        size="id t3.small",
    )
    shop = {"set": "shop", "source": str(file), "web": {"count": 2}}
    variables = json.dumps({"create_nodes": shop, "wait_timeout": 3})
    done = subprocess.run(
        [
            Path(sys.executable).parent / "ansible-playbook",
            *("playbooks/create-nodes.yml", "-vvv", "-e", variables),
        ],
        cwd=ROOT,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "SHOP_KEY": KEY, "SHOP_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = done.stdout + done.stderr
    for name in ("shop-web1", "shop-web2"):
        assert f"  … {name}: made by ec2, id i-" in shown
        assert "shows no SSH server after 3 s" in shown
        assert f"./silver destroy-node {name} --source {file}" in shown
    assert cloud.actions.count("RunInstances") == 2
    assert (KEY in shown, SECRET in shown, "PRIVATE KEY" in shown) == (False, False, False)


def test_a_secret_of_vault_reaches_the_provider_and_no_output(cloud: Cloud, laptop: Path) -> None:
    (laptop / "vault").write_text("open sesame")
    bin_ = Path(sys.executable).parent
    password_file = str(laptop / "vault")
    encrypt = [
        str(bin_ / "ansible-vault"),
        "encrypt_string",
        "--vault-password-file",
        password_file,
    ]
    secret = subprocess.run(
        [*encrypt, SECRET, "--name", "secret"], capture_output=True, text=True, check=True
    ).stdout
    file = file_of(cloud, laptop, secret_env=None, image=UBUNTU, size="id t3.small")
    file.write_text(file.read_text().replace("secret_env: null\n", "") + secret)
    done = subprocess.run(
        [
            str(bin_ / "ansible-playbook"),
            "playbooks/create-node.yml",
            "-vvv",
            "-e",
            json.dumps({"node": "web1", "source": str(file), "wait": False}),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(laptop / "vault"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert "web1: made by ec2" in shown
    assert (KEY in shown, SECRET in shown) == (False, False)
