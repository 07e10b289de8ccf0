"""`silver demo --source` at a cloud, as far as it goes there: moto's nodes have no SSH."""

from pathlib import Path

import pytest

from silverlining import demo
from silverlining.demo import DemoError
from silverlining.nodes import sources
from silverlining.playbook import ROOT
from tests.support.ec2 import Cloud


@pytest.fixture
def file(cloud: Cloud, laptop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source file of a small inventory."""
    path = cloud.source(
        laptop / "amazon.libcloud.yml",
        private_key_file=str(laptop / "id"),
        image="first name ubuntu/images/*xenial*",
        size="id t3.small",
    )
    monkeypatch.setenv("ANSIBLE_INVENTORY", f"{ROOT}/inventory/groups.yml,{path}")
    return path


def test_the_node_is_made_named_when_it_has_no_ssh_and_thrown_away(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DemoError, match="Node failed"):
        demo.run(source=file, wait_timeout=3)
    told = " ".join(capsys.readouterr().out.split())
    assert "shows no SSH server after 3 s" in told
    assert f"./silver destroy-node demo --source {file}" in told
    source = sources.load(file)
    assert [node.name for node in source.nodes()] == ["demo"]
    assert demo.destroy(source=file) == 0
    assert source.nodes() == []


def test_a_source_outside_of_the_inventory_is_refused_before_a_node_is_made(
    file: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_INVENTORY", str(ROOT / "inventory"))
    with pytest.raises(DemoError, match=rf"cp {file} {ROOT}/inventory/"):
        demo.run(source=file)
    assert cloud.actions == []
