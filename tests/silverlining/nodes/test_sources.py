from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState

from silverlining.nodes import sources
from silverlining.nodes.sources import Source, SourceError
from silverlining.playbook import ROOT
from tests.silverlining.cloud import FakeDriver, make_node


def test_a_minimal_source_is_the_local_engine_with_its_login() -> None:
    source = sources.parse({"plugin": "libcloud", "provider": "docker"}, "local.libcloud.yml")
    assert source == Source(origin="local.libcloud.yml", provider="docker")
    assert (source.is_local, source.login_user) == (True, "admin")
    assert source.login_key is not None
    assert source.login_key.endswith("/silverlining/id_ed25519")


def test_the_shipped_source_is_the_local_engine() -> None:
    path = ROOT / "inventory" / "local.libcloud.yml"
    assert sources.load(path) == Source(origin=str(path), provider="docker")


def test_options_of_ansible_are_let_through() -> None:
    data = {"plugin": "libcloud", "provider": "ec2", "cache": True, "keyed_groups": []}
    assert sources.parse(data, "x") == Source(origin="x", provider="ec2")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, r"x: a mapping is expected, beginning 'plugin: libcloud'"),
        (["docker"], r"x: a mapping is expected"),
        ({"provider": "docker", "regoin": "eu"}, r"x: unknown option regoin; known are: cache, "),
        ({}, r"x: 'provider' is missing; known are: docker, "),
        ({"provider": "cloud9"}, r"x: unknown provider 'cloud9'; known are: docker, "),
        ({"provider": "ec2_us_east"}, r"unknown provider 'ec2_us_east'; known are: .* ec2, "),
        ({"provider": "dummy"}, r"x: unknown provider 'dummy'"),
        ({"provider": "ec2", "key": 7}, r"x: 'key' must be a str"),
        ({"provider": "ec2", "optional": "yes please"}, r"x: 'optional' must be a bool"),
        ({"provider": "ec2", "options": []}, r"x: 'options' must be a mapping"),
    ],
)
def test_a_wrong_source_is_refused_with_what_and_where(data: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        sources.parse(data, "x")


def test_every_provider_that_is_taken_has_a_driver() -> None:
    local, *clouds = sources.providers()
    assert (local, len(clouds) > 40) == ("docker", True)
    assert all(issubclass(get_driver(name), NodeDriver) for name in clouds)


def test_a_missing_file_and_broken_yaml_are_errors_that_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.libcloud.yml"
    with pytest.raises(SourceError, match=r"x\.libcloud\.yml: No such file"):
        sources.load(path)
    path.write_text("provider: [docker\n")
    with pytest.raises(SourceError, match=r"x\.libcloud\.yml"):
        sources.load(path)


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = sources.parse({"provider": "ec2", "key_env": "MY_KEY", "secret_env": "MY_SECRET"}, "x")
    monkeypatch.setenv("MY_KEY", "k")
    monkeypatch.delenv("MY_SECRET", raising=False)
    with pytest.raises(SourceError, match=r"x: secret_env: \$MY_SECRET is not set"):
        _ = source.credentials
    monkeypatch.setenv("MY_SECRET", "s")
    assert source.credentials == ("k", "s")


def test_a_value_that_only_ansible_can_read_must_be_handed_in(tmp_path: Path) -> None:
    path = tmp_path / "x.libcloud.yml"
    path.write_text("provider: ec2\nkey: k\nsecret: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\n")
    with pytest.raises(SourceError, match=r"'secret' is a template or encrypted.* secret_env"):
        _ = sources.load(path).credentials
    assert sources.load(path, secret="s").credentials == ("k", "s")


def test_credentials_are_in_no_representation_and_no_error() -> None:
    source = Source(origin="x", provider="ec2", key="AKIA7", secret="t0psecret")
    error = source.error(ValueError("AKIA7 said t0psecret, Signature=abc%2F&Credential=d/e, end"))
    assert "AKIA7" not in repr(source)
    assert "t0psecret" not in repr(source)
    assert str(error) == (
        "x: provider ec2: ValueError: *** said ***, Signature=***&Credential=***, end"
    )


def test_a_driver_that_refuses_is_an_error_that_names_source_and_provider() -> None:
    source = Source(origin="x", provider="ec2", key="AKIA7", secret="t0psecret", region="atlantis")
    with pytest.raises(SourceError, match=r"^x: provider ec2: ValueError: .*atlantis"):
        source.driver()


def test_nodes_are_live_ours_and_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver(
        [
            make_node("shop-b"),
            make_node("shop-a"),
            make_node("other"),
            make_node("shop-b", id="old", state=NodeState.TERMINATED),
        ]
    )
    monkeypatch.setattr(Source, "driver", lambda self: driver)
    source = Source(origin="x", provider="ec2", name_prefix="shop-")
    assert [node.name for node in source.nodes()] == ["shop-a", "shop-b"]


def test_two_nodes_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver([make_node("a", id="1"), make_node("b"), make_node("a", id="2")])
    monkeypatch.setattr(Source, "driver", lambda self: driver)
    with pytest.raises(SourceError, match="x: provider ec2 has more than one node named a"):
        Source(origin="x", provider="ec2").nodes()


def test_a_node_that_is_listed_twice_is_one_node(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver([make_node("a"), make_node("b"), make_node("a")])
    monkeypatch.setattr(Source, "driver", lambda self: driver)
    nodes = Source(origin="x", provider="ec2").nodes()
    assert [node.name for node in nodes] == ["a", "b"]
