"""Deployment configuration: given, kept, the app's default, or none."""

from collections.abc import Mapping

import pytest

from silvernode import instances
from silvernode.deploy import app_config, removal
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Upload
from silvernode.errors import NodeError
from tests.silvernode.conftest import Node

REQUIRED = {"required": "true"}


def update(
    node: Node,
    config: dict[str, str] | None = None,
    files: dict[str, str] | None = None,
    location: str = "hello.test",
    keys: Mapping[str, str] | None = None,
) -> str:
    """Deploy an app, with a configuration or without one; the new instance."""
    active = node.routes.active(location)
    upload = node.upload(**(files or {}))
    for script in (node.layout.staging / upload).glob("bin/*"):
        script.chmod(0o755)
    if config is not None:
        staged = app_config.staged(node.layout, upload)
        staged.mkdir()
        for name, text in config.items():
            (staged / name).parent.mkdir(exist_ok=True)
            (staged / name).write_text(text)
    asked = Upload(upload, active, config is not None)
    answer = deploy.switch(node.layout, node.request(location, config=dict(keys or {})), asked)
    return str(answer["instance"])


def configuration(node: Node, instance: str) -> dict[str, str]:
    root = app_config.path(node.layout, instance)
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


def origin(node: Node, instance: str) -> str:
    record = instances.load(node.layout, instance)
    assert record is not None
    return record.config


@pytest.fixture(autouse=True)
def made_ready(node: Node) -> None:
    node.prepare()


def test_an_app_has_none_unless_one_is_given(node: Node) -> None:
    instance = update(node)
    assert configuration(node, instance) == {}
    assert origin(node, instance) == ""
    assert node.prepare()["config"] == ""


def test_what_is_given_is_the_new_instances_and_stays_that_of_each(node: Node) -> None:
    first = update(node, {"settings.ini": "one", "sub/key": "k"})
    second = update(node, {"settings.ini": "two"})
    assert configuration(node, first) == {"settings.ini": "one", "sub/key": "k"}
    assert configuration(node, second) == {"settings.ini": "two"}
    assert node.prepare()["config"] == str(app_config.path(node.layout, second))
    assert list(node.layout.staging.iterdir()) == []


def test_what_was_given_is_kept_and_is_a_copy(node: Node) -> None:
    first = update(node, {"settings.ini": "one"})
    second = update(node)
    assert configuration(node, second) == {"settings.ini": "one"}
    assert origin(node, second) == "given"
    (app_config.path(node.layout, second) / "settings.ini").write_text("edited")
    assert configuration(node, first) == {"settings.ini": "one"}


def test_another_location_does_not_get_it(node: Node) -> None:
    update(node, {"settings.ini": "one"})
    other = update(node, location="other.test")
    assert configuration(node, other) == {}


def test_a_directory_is_its_groups_alone(node: Node) -> None:
    instance = update(node, {"settings.ini": "one"})
    root = app_config.path(node.layout, instance)
    assert [path.stat().st_mode & 0o777 for path in (root, root.parent)] == [0o750, 0o750]


def test_the_apps_default_is_used_until_one_is_given(node: Node) -> None:
    files = {"etc/settings.ini": "default"}
    first = update(node, files=files, keys={"default": "etc"})
    assert configuration(node, first) == {"settings.ini": "default"}
    second = update(node, files={"etc/settings.ini": "newer"}, keys={"default": "etc"})
    assert configuration(node, second) == {"settings.ini": "newer"}
    third = update(node, {"settings.ini": "mine"}, files=files, keys={"default": "etc"})
    fourth = update(node, files=files, keys={"default": "etc"})
    assert configuration(node, third) == configuration(node, fourth) == {"settings.ini": "mine"}


@pytest.mark.parametrize("keys", [REQUIRED, {"required": "Yes", "default": "etc"}])
def test_an_app_that_needs_one_is_refused_until_one_is_given(
    node: Node, keys: dict[str, str]
) -> None:
    before = node.state()
    with pytest.raises(NodeError, match=r"hello needs a configuration .* --config DIR"):
        node.prepare(config=keys)
    assert node.state() == before
    update(node, {"settings.ini": "one"}, keys=keys)
    update(node, keys=keys)
    with pytest.raises(NodeError, match=r"other\.test"):
        node.prepare("other.test", config=keys)


def test_an_app_that_does_not_need_one_says_so(node: Node) -> None:
    assert update(node, keys={"required": "false"}) in node.served()


def test_a_failed_update_leaves_nothing_of_it(node: Node) -> None:
    update(node, {"settings.ini": "one"})
    before = node.state()
    with pytest.raises(NodeError, match="could not be imported"):
        update(node, {"settings.ini": "secret"}, files={"broken": "x"})
    assert node.state() == before
    assert list(node.layout.staging.iterdir()) == []


def test_an_upload_that_is_gone_is_an_error_that_says_so(node: Node) -> None:
    request = node.request()
    with pytest.raises(NodeError, match="run the update again"):
        deploy.switch(node.layout, request, Upload(node.upload(), "", config=True))


@pytest.fixture
def checker(node: Node, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The files of an app that refuses the configuration "bad"."""
    text = (
        '#!/bin/sh\ngrep -qs bad "$CONFIG"/*/settings.ini && echo it is bad && exit 3 || exit 0\n'
    )
    monkeypatch.setenv("CONFIG", str(node.layout.data("config", "hello")))
    return {"bin/check.sh": text}


@pytest.mark.parametrize("key", ["script:bin/check.sh now", "bin/check.sh"])
def test_a_checker_is_asked_before_the_instance_is_started(
    node: Node, checker: dict[str, str], key: str
) -> None:
    with pytest.raises(NodeError, match=r"config\.checker = .*exit status 3") as caught:
        update(node, {"settings.ini": "bad"}, files=checker, keys={"checker": key})
    assert caught.value.output.strip() == "it is bad"
    assert not [call for call in node.calls() if call.startswith("systemctl start")]
    assert (
        update(node, {"settings.ini": "good"}, files=checker, keys={"checker": key})
        in node.served()
    )


def test_a_checker_is_asked_of_what_is_kept_too(node: Node, checker: dict[str, str]) -> None:
    update(node, {"settings.ini": "bad"})
    with pytest.raises(NodeError, match="refused the configuration"):
        update(node, files=checker, keys={"checker": "bin/check.sh"})


def test_a_checker_is_not_asked_where_there_is_nothing(node: Node) -> None:
    assert update(
        node, files={"bin/check.sh": "#!/bin/sh\nexit 9\n"}, keys={"checker": "bin/check.sh"}
    )


def test_an_abandoned_upload_takes_its_configuration_with_it(node: Node) -> None:
    upload = node.upload()
    app_config.staged(node.layout, upload).mkdir()
    removal.abandon(node.layout, upload)
    assert list(node.layout.staging.iterdir()) == []


def test_an_upload_of_yesterday_takes_its_configuration_with_it(node: Node) -> None:
    for name in ("hello.1000", "hello.1000.config"):
        (node.layout.staging / name).mkdir()
    node.prepare()
    assert list(node.layout.staging.iterdir()) == []
