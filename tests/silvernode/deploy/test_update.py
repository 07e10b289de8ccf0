"""The switch: what is served afterwards, and that a failure leaves everything as it was."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from silvernode import atomic, interrupts, locks
from silvernode.deploy import removal
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Upload
from silvernode.deploy.trial import Trial
from silvernode.errors import NodeError
from silvernode.routing import registry, varnish
from tests.silvernode.conftest import Node


def test_the_first_deploy_serves_its_instance(node: Node) -> None:
    instance = node.deploy()
    assert node.routes.active("hello.test") == instance
    assert node.running() == node.enabled() == node.served() == {instance}
    assert list(node.layout.staging.iterdir()) == []


def test_the_next_deploy_keeps_the_one_before_it_warm_as_previous(node: Node) -> None:
    first = node.deploy()
    second = node.deploy()
    route = node.routes.locations["hello.test"]
    assert (route.instance, route.previous) == (second, first)
    assert node.running() == node.served() == {first, second}
    assert node.enabled() == {second}, "the previous instance must not start at boot"
    assert [call for call in node.calls() if f"rest {first}" in call and "=3600" in call]


def test_two_locations_of_one_app_have_instances_of_their_own(node: Node) -> None:
    first = node.deploy("hello.test")
    other = node.deploy("other.test/blog")
    assert node.routes.active("hello.test") == first
    assert node.routes.active("other.test/blog") == other
    second = node.deploy("hello.test")
    assert node.routes.active("other.test/blog") == other
    assert node.enabled() == {second, other}
    assert node.served() == {first, second, other}


def test_two_apps_do_not_touch_each_other(node: Node) -> None:
    hello = node.deploy()
    places = node.deploy("places.test", name="places")
    assert node.served("hello") == {hello}
    assert node.served("places") == {places}
    assert len(set(node.routes.addresses.values())) == 2


def test_another_apps_location_is_refused_and_nothing_changes(node: Node) -> None:
    node.deploy()
    before = node.state()
    upload = node.upload("places")
    request = node.request(name="places")
    with pytest.raises(NodeError, match=r"hello\.test is served by the app hello"):
        node.prepare(name="places")
    with pytest.raises(NodeError, match=r"hello\.test is served by the app hello"):
        deploy.switch(node.layout, request, Upload(upload, ""))
    assert node.state() == before


def test_a_location_that_was_switched_meanwhile_is_refused(node: Node) -> None:
    first = node.deploy()
    second = node.deploy()
    before = node.state()
    with pytest.raises(NodeError, match=f"switched to {second} while"):
        deploy.switch(node.layout, node.request(), Upload(node.upload(), first))
    assert node.state() == before


BROKEN: dict[str, tuple[dict[str, str], dict[str, Any], str, str]] = {
    "import": ({"broken": "ImportError: no fish"}, {}, "could not be imported", "no fish"),
    "crash": ({"crashing": ""}, {}, "a process ended while it imported", ""),
    "start": ({"dead": ""}, {}, "stopped while starting", "what the journal says"),
    "check": ({}, {"check_url": "/bad"}, "answered 404, not 2xx", ""),
    "endless": ({}, {"check_url": "/endless"}, "did not answer within 1 s", ""),
    "root": ({}, {}, "/ answered 500", ""),
    "update": ({}, {"update_fetch": ["/bad"]}, "update_fetch = /bad answered 404", ""),
    "script": (
        {"bin/up.sh": "#!/bin/sh\necho went wrong\nexit 3\n"},
        {"update_fetch": ["script:bin/up.sh now"]},
        "exit status 3",
        "went wrong",
    ),
}


@pytest.mark.parametrize("first", [True, False], ids=["first deploy", "later deploy"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_failed_trial_says_why_and_leaves_nothing(node: Node, case: str, first: bool) -> None:
    files, plan, message, output = BROKEN[case]
    node.prepare() if first else node.deploy()
    before = node.state()
    node.site.statuses = {"/bad": 404, "/": 500 if case == "root" else 200}
    upload = node.upload(**files)
    for script in (node.layout.staging / upload).glob("bin/*"):
        script.chmod(0o755)
    active = node.routes.active("hello.test")
    with pytest.raises(NodeError, match=message) as caught:
        deploy.switch(node.layout, node.request(**plan), Upload(upload, active))
    assert output in caught.value.output
    template = "etc/systemd/system/silver-hello@.service"
    after = node.state()
    for files_of in (after[0], before[0]):
        files_of.pop(template, None)  # The app's, not the instance's.
        if first:
            files_of.pop("var/lib/silverlining/registry.json", None)  # Made, and empty.
    assert after == before
    assert list(node.layout.staging.iterdir()) == []


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("odd")])
def test_a_log_that_cannot_be_read_does_not_hide_why_a_trial_failed(
    node: Node, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> str:
        raise error

    monkeypatch.setattr("silvernode.logs.viewer.written", fail)
    node.site.statuses = {"/bad": 404}
    with pytest.raises(NodeError, match="answered 404") as caught:
        node.deploy(check_url="/bad")
    assert caught.value.output == ""


def test_a_page_that_is_not_found_fails_no_check_that_nobody_asked_for(node: Node) -> None:
    node.site.statuses = {"/": 404}
    assert node.deploy() in node.served()


def test_the_app_itself_is_asked_where_nobody_said_what_to_ask(node: Node) -> None:
    node.deploy()
    node.deploy(check_url="/ok")
    assert [(path, "X-Silver-Direct" in headers) for path, headers in node.site.asked] == [
        ("/", True),
        ("/ok", False),
    ]


def test_the_instance_is_asked_as_varnish_would_ask(node: Node) -> None:
    node.deploy("hello.test/blog", check_url="/ok", update_fetch=["/update"])
    (update, checked) = node.site.asked
    assert [update[0], checked[0]] == ["/update", "/ok"]
    assert checked[1]["Host"] == checked[1]["X-Silver-Host"] == "hello.test"
    assert checked[1]["X-Silver-Prefix"] == "/blog"
    environment = next(node.layout.instances.glob("*.env")).read_text()
    assert f'SILVER_UPDATE_TOKEN="{update[1]["X-Silver-Update"]}"' in environment
    assert "X-Silver-Update" not in checked[1]


@pytest.mark.parametrize("place", ["vcl.load", "vcl.label", "vcl.use", "start", "enable"])
def test_a_program_that_fails_leaves_the_old_instance_served(node: Node, place: str) -> None:
    node.deploy()
    active = node.deploy("new.test") if place == "vcl.use" else node.routes.active("hello.test")
    location = "third.test" if place == "vcl.use" else "hello.test"
    served = node.served()
    routes = node.routes
    expected = "" if place == "vcl.use" else active
    upload = node.upload()
    node.fail(place)
    with pytest.raises(NodeError):
        deploy.switch(node.layout, node.request(location), Upload(upload, expected))
    (node.fake / "fail").unlink()
    assert node.routes.locations == routes.locations
    node.prepare()
    assert node.served() == served
    assert set(node.routes.referenced("hello")) <= node.running()


@pytest.mark.parametrize("name", ["registry.json", "start.cli", "vcl_hello", "hello.20"])
def test_a_full_disk_leaves_the_old_instance_served(
    node: Node, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    node.deploy()
    before = node.state()
    _fill_disk(monkeypatch, lambda path: name in path.name)
    with pytest.raises(OSError, match="No space left"):
        deploy.switch(
            node.layout, node.request(), Upload(node.upload(), node.routes.active("hello.test"))
        )
    assert node.state() == before


def test_an_instance_that_cannot_be_put_back_is_not_removed(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = node.deploy()
    upload = node.upload()
    saved: list[registry.Registry] = []
    save = registry.save

    def save_once(layout: object, routes: registry.Registry) -> None:
        if routes.active("hello.test") != active:
            saved.append(routes)
        elif saved:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(node.layout, routes)

    monkeypatch.setattr(registry, "save", save_once)
    node.fail("vcl.label")
    with pytest.raises(OSError, match="No space left"):
        deploy.switch(node.layout, node.request(), Upload(upload, active))
    (node.fake / "fail").unlink()
    monkeypatch.undo()
    new = saved[0].active("hello.test")
    assert node.routes.active("hello.test") == new
    assert (node.layout.www / new).is_dir()


@pytest.mark.parametrize("place", ["disable", "systemd-run", "vcl.discard"])
def test_what_cannot_be_tidied_up_is_a_warning_and_the_switch_stands(
    node: Node, place: str
) -> None:
    active = node.deploy()
    upload = node.upload()
    node.fail(place)
    answer = deploy.switch(node.layout, node.request(), Upload(upload, active))
    assert len(answer["warnings"]) == 1
    assert "hello is switched, but" in answer["warnings"][0]
    assert node.routes.active("hello.test") == answer["instance"]
    (node.fake / "fail").unlink()
    node.deploy()
    node.deploy()


def test_an_upload_that_is_gone_is_an_error_that_says_so(node: Node) -> None:
    node.prepare()
    with pytest.raises(NodeError, match="run the update again"):
        deploy.switch(node.layout, node.request(), Upload("hello.1", ""))


def test_a_taken_lock_removes_the_upload_that_nobody_will_switch_to(node: Node) -> None:
    upload = node.upload()
    with (
        locks.of_app(node.layout, "hello", "bob@desk", "updating"),
        pytest.raises(NodeError, match="bob@desk"),
    ):
        deploy.switch(node.layout, node.request(), Upload(upload, ""))
    assert list(node.layout.staging.iterdir()) == []


def test_a_signal_in_the_trial_leaves_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    active = node.deploy()
    before = node.state()
    upload = node.upload()
    interrupts.allow()
    monkeypatch.setattr(Trial, "run", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(NodeError, match="interrupted by SIGTERM"):
        deploy.switch(node.layout, node.request(), Upload(upload, active))
    assert node.state() == before


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_during_the_switch_waits_until_it_is_done(
    node: Node, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    active = node.deploy()
    upload = node.upload()
    interrupts.allow()
    apply = varnish.apply

    def interrupted(*args: object) -> bool:
        os.kill(os.getpid(), number)
        return apply(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(varnish, "apply", interrupted)
    answer = deploy.switch(node.layout, node.request(), Upload(upload, active))
    assert node.served() == {active, answer["instance"]}
    assert not answer["warnings"]


def test_a_second_signal_does_not_stop_the_cleaning_up(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = node.deploy()
    before = node.state()
    upload = node.upload(broken="x")
    interrupts.allow()
    remove = removal.remove

    def interrupted(*args: object) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        remove(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(removal, "remove", interrupted)
    with pytest.raises(NodeError, match="could not be imported"):
        deploy.switch(node.layout, node.request(), Upload(upload, active))
    assert node.state() == before


def _fill_disk(monkeypatch: pytest.MonkeyPatch, is_full: Callable[[Path], bool]) -> None:
    """Let every write fail to a draft whose path is of the full disk."""
    write = atomic._write_draft

    def full(draft: Path, *args: object) -> None:
        if is_full(draft):
            raise OSError(errno.ENOSPC, "No space left on device", str(draft))
        write(draft, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(atomic, "_write_draft", full)


def test_only_the_leader_of_a_set_carries_out_update_fetch(node: Node) -> None:
    node.prepare()
    request = node.request(update_fetch=["/update"])
    deploy.switch(node.layout, request, Upload(node.upload(), "", leader=False))
    assert [path for path, _ in node.site.asked] == ["/"]


def test_an_instance_has_the_name_that_it_has_on_the_other_nodes(node: Node) -> None:
    node.prepare()
    upload = Upload(node.upload(), "", instance="hello.29991231_007")
    answer = deploy.switch(node.layout, node.request(), upload)
    assert answer["instance"] == node.routes.active("hello.test") == "hello.29991231_007"


@pytest.mark.parametrize("name", ["hello.20200101_001", "hello.29991231_7", "places/../x"])
def test_a_name_that_is_none_or_was_given_already_is_refused(node: Node, name: str) -> None:
    active = node.deploy()
    before = node.state()
    for wrong in (name, active):
        with pytest.raises(NodeError, match=r"cannot be the name of a new instance here, hello\."):
            upload = Upload(node.upload(), active, instance=wrong)
            deploy.switch(node.layout, node.request(), upload)
    assert node.state() == before
