"""What a node says before an upload."""

import json
from pathlib import Path

import pytest

from silvernode.deploy import preparation
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Request, Upload
from silvernode.errors import NodeError
from tests.silvernode.conftest import PLAN, Node


def provide_service(node: Node, app: str = "hello") -> str:
    """Do what the role of service.files does; the digest."""
    (missing,) = node.prepare(services={"files": ""})["services"]
    env = node.layout.service_env(app, "files")
    env.parent.mkdir(parents=True, exist_ok=True)
    env.write_text(f"# silver {missing['digest']}\nCONFIG_FILES=x\n")
    return str(missing["digest"])


def test_a_new_app_has_nothing_to_compare_with(node: Node) -> None:
    needs = node.prepare()
    assert (needs["active"], needs["base"], needs["outdated"]) == ("", "", False)
    assert Path(needs["staging"]).parent == node.layout.staging
    assert needs["free_bytes"] > 0


def test_an_update_is_compared_with_the_active_instance(node: Node) -> None:
    active = node.deploy()
    assert node.prepare()["base"] == str(node.layout.www / active)


def test_a_new_location_is_compared_with_the_newest_instance(node: Node) -> None:
    node.deploy()
    newest = node.deploy()
    needs = node.prepare("other.test")
    assert (needs["active"], needs["base"]) == ("", str(node.layout.www / newest))


def test_looking_changes_nothing(node: Node) -> None:
    before = node.files()
    preparation.prepare(node.layout, node.request(), check=True)
    assert node.files() == before
    assert not (node.fake / "calls").exists()


def test_the_apps_directories_are_made_once(node: Node) -> None:
    node.prepare()
    secret = node.layout.data("secret", "hello").read_text()
    assert len(secret) >= 43
    node.prepare()
    assert node.layout.data("secret", "hello").read_text() == secret
    assert node.layout.data("tmp", "hello").stat().st_mode & 0o777 == 0o700
    assert str(node.layout.logs("hello")) in (node.layout.logrotate / "silver-hello").read_text()


def test_routes_that_a_killed_command_left_are_mended(node: Node) -> None:
    active = node.deploy()
    (node.fake / "label/app_hello").unlink()
    node.prepare()
    assert node.served() == {active}


def test_a_service_is_asked_for_until_it_is_provided_as_it_is_set_up_now(node: Node) -> None:
    settings = node.layout.service_settings("files")
    settings.parent.mkdir()
    settings.write_text("{}")
    digest = provide_service(node)
    assert node.prepare(services={"files": ""})["services"] == []
    assert node.prepare(services={"files": "big"})["services"][0]["digest"] != digest
    settings.write_text('{"directory": "/elsewhere"}')
    assert node.prepare(services={"files": ""})["services"][0]["digest"] != digest


def test_a_service_that_the_node_does_not_have_is_an_error(node: Node) -> None:
    before = node.files()
    with pytest.raises(NodeError, match=r"service\.postgis yet; run \./silver setup-node"):
        node.prepare(services={"postgis": ""})
    assert node.files() == before


def test_packages_that_are_missing_are_named(node: Node) -> None:
    packages = ["python3-lxml", "held", "removed", "python3-new"]
    assert node.prepare(packages=packages)["packages"] == ["removed", "python3-new"]


@pytest.mark.parametrize("changed", ["httpd.conf", "settings.json", "apps/hello/files.env"])
def test_an_instance_is_outdated_when_the_node_has_changed(node: Node, changed: str) -> None:
    node.layout.service_settings("files").parent.mkdir()
    node.layout.service_settings("files").write_text("{}")
    provide_service(node)
    node.deploy(services={"files": ""})
    assert node.prepare(services={"files": ""})["outdated"] is False
    path = node.layout.etc / changed
    text = path.read_text() if path.exists() else ""
    path.write_text(
        json.dumps({**json.loads(text), "threads": 9}) if text[:1] == "{" else text + "#"
    )
    assert node.prepare(services={"files": ""})["outdated"] is True


def test_an_instance_without_a_record_is_outdated(node: Node) -> None:
    active = node.deploy()
    (node.layout.instances / f"{active}.json").unlink()
    assert node.prepare()["outdated"] is True
    node.deploy()


def test_rubbish_among_our_files_stops_nobody(node: Node) -> None:
    node.prepare()
    for path in (
        node.layout.instances / "hello.txt",
        node.layout.instances / "hello.20261122_001.json.bak",
        node.layout.staging / "hello.rubbish/x",
        node.layout.www / "hello.20261122_x/y",
        node.layout.vcl / "vcl_rubbish.vcl",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff")
    assert node.deploy() in node.served()


@pytest.mark.parametrize(
    ("app", "location"),
    [
        ("Hello", "h.test"),
        ("../x", "h.test"),
        ("a" * 25, "h.test"),
        ("hello\n", "h.test"),
        ("hello", ""),
        ("hello", 'h.test"; }'),
        ("hello", "h.test/../x y"),
        ("hello", "h.test/"),
        ("hello", "h.test\n"),
        ("hello", "prev.h.test"),
    ],
)
def test_a_name_that_could_mean_something_else_is_refused(app: str, location: str) -> None:
    with pytest.raises(NodeError, match="not an app and a location"):
        Request({**PLAN, "name": app}, location, "ann")


def test_a_node_that_was_never_provisioned_says_what_to_do(node: Node) -> None:
    for text in (None, "", "{}", "[]", '{"colour": "red"}'):
        node.layout.settings.unlink(missing_ok=True)
        if text is not None:
            node.layout.settings.write_text(text)
        with pytest.raises(NodeError, match=r"settings\.json cannot be used.*setup-node"):
            node.prepare()
        with pytest.raises(NodeError, match="setup-node"):
            deploy.switch(node.layout, node.request(), Upload(node.upload(), ""))


def on_two_nodes(node: Node, **plan: object) -> dict[str, object]:
    request = Request({**PLAN, **plan}, "hello.test", "ann@laptop", nodes=2)
    return preparation.prepare(node.layout, request, check=False)


def test_an_app_goes_to_several_nodes_if_its_data_is_in_one_place(node: Node) -> None:
    services = node.layout.etc / "services"
    services.mkdir()
    (services / "files.json").write_text('{"only_on_one_node": true}')
    (services / "postgis.json").write_text("{}")
    assert on_two_nodes(node, services={"postgis": ""})["active"] == ""
    assert node.prepare(services={"files": ""})["active"] == ""
    with pytest.raises(NodeError, match=r"service\.files keeps its data on one node, but the"):
        on_two_nodes(node, services={"files": "", "postgis": ""})


def test_an_update_that_keeps_visitors_out_goes_to_one_node_only(node: Node) -> None:
    with pytest.raises(NodeError, match="update_mode = maintenance keeps visitors out of one node"):
        on_two_nodes(node, update_mode="maintenance")


def test_the_name_of_the_next_instance_is_told(node: Node) -> None:
    node.deploy()
    foretold = node.prepare()["next"]
    assert node.deploy() == foretold
