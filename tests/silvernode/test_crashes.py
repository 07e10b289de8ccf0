"""silver-node killed at each of its steps: the site goes on, and the next deploy succeeds."""

import contextlib
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable

import pytest

from silvernode import instances
from silvernode.deploy import activation, deactivation, removal
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Upload
from silvernode.errors import NodeError
from silvernode.routing import registry
from tests.silvernode.conftest import Node

# What changes a file or calls a program: https://docs.python.org/3/library/audit_events.html
STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.chmod", "os.truncate"}
STEPS |= {"subprocess.Popen", "shutil.rmtree"}


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do some work in a process that is killed before one of its steps; whether it came so far."""
    child = os.fork()
    if not child:
        taken = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal taken
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
            if event in STEPS or writes:
                taken += 1
                if taken > step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            os._exit(1)  # Or this would go on as a second pytest.
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status != 0


def check_site(node: Node) -> None:
    """Check that what visitors are sent to is there, now and after a reboot."""
    active = node.routes.active("hello.test")
    assert active in node.enabled()
    assert node.served() <= node.running(), "Varnish asks an instance that is not running"
    assert all((node.layout.www / name).is_dir() for name in node.served())
    known: set[str] = set()
    for command, name, target in re.findall(
        r"(vcl\.\w+) (\S+) ?(\S*)", (node.layout.vcl / "start.cli").read_text()
    ):
        if command == "vcl.load":
            text = (node.layout.vcl / target.rpartition("/")[2]).read_text()
            labels = set(re.findall(r"vcl\((app_\w+)\)", text))
            assert labels <= known, "varnishd would not start: the root VCL names a missing label"
        known.add(name)


def check_next_deploy(node: Node) -> None:
    """Check that a deploy goes through and clears away whatever the one before it left."""
    before = node.routes.active("hello.test")
    new = node.deploy()
    assert node.routes.locations["hello.test"].previous == before
    assert {new, before} == node.running() == node.served()
    assert node.enabled() == {new}
    on_disk = {path.name for path in node.layout.www.glob("hello.*")}
    assert set(node.routes.addresses) == on_disk
    assert {path.stem for path in node.layout.instances.iterdir()} == on_disk
    assert len(on_disk) <= 3, "active, previous, and the one that is kept"
    rebuilt = registry.rebuild(instances.load_all(node.layout))
    assert rebuilt.active("hello.test") == new


@pytest.mark.parametrize("broken", [{}, {"broken": "ImportError"}], ids=["good", "broken"])
def test_a_deploy_killed_at_any_step(node: Node, broken: dict[str, str]) -> None:
    node.deploy()
    node.deploy()
    step = 0
    while True:
        active = node.routes.active("hello.test")
        upload = node.upload(**broken)

        def work(upload: str = upload, active: str = active) -> None:
            try:
                deploy.switch(node.layout, node.request(), Upload(upload, active))
            except NodeError:
                assert broken

        killed = killed_at(step, work)
        check_site(node)
        check_next_deploy(node)
        if not killed:
            break
        step += 1
    assert step > 20, "the deploy was not watched"


def test_a_first_deploy_killed_at_any_step(node: Node) -> None:
    step = 0
    killed = True
    while killed:
        location = f"site{step}.test"
        node.prepare(location)
        upload = node.upload()

        def work(upload: str = upload, location: str = location) -> None:
            deploy.switch(node.layout, node.request(location), Upload(upload, ""))

        killed = killed_at(step, work)
        step += 5
    node.deploy()
    check_site(node)


def test_a_removal_killed_at_any_step(node: Node) -> None:
    step, killed = 0, True
    while killed:
        instance = node.deploy(f"site{step}.test")
        routes = node.routes
        kept = {
            name: route for name, route in routes.locations.items() if route.instance != instance
        }
        registry.save(node.layout, registry.Registry(kept, routes.addresses))
        killed = killed_at(step, lambda name=instance: removal.remove(node.layout, name))  # type: ignore[misc]
        removal.prune(node.layout, "hello", 0)
        assert not [path for path in node.layout.www.iterdir() if path.name == instance]
        assert not list(node.layout.instances.glob(f"{instance}.*"))
        assert instance not in node.routes.addresses
        assert instance not in node.running()
        step += 1
    assert step > 5


def test_an_activation_killed_at_any_step(node: Node) -> None:
    before, now = node.deploy(), node.deploy()
    unit = node.fake / "active" / before
    step, killed = 0, True
    while killed:
        unit.unlink()
        shutil.rmtree(node.layout.run(before))

        def work() -> None:
            wish = activation.Wish(["hello.test", "new.test"], before, "ann@laptop")
            activation.activate(node.layout, wish)

        killed = killed_at(step, work)
        check_active(node)
        work()
        assert node.routes.active("hello.test") == node.routes.active("new.test") == before
        assert node.enabled() == {before}
        check_active(node)
        unwanted = deactivation.Unwanted(["new.test"], "ann@laptop")
        deactivation.deactivate(node.layout, unwanted)
        wish = activation.Wish(["hello.test"], now, "ann@laptop")
        activation.activate(node.layout, wish)
        rebuilt = registry.rebuild(instances.load_all(node.layout))
        assert rebuilt.locations == node.routes.locations
        step += 2
    assert step > 10, "the activation was not watched"


def test_a_deactivation_killed_at_any_step(node: Node) -> None:
    other = node.deploy("other.test")
    step, killed = 0, True
    while killed:
        instance = node.deploy()

        def work() -> None:
            unwanted = deactivation.Unwanted(["hello.test"], "ann@laptop")
            deactivation.deactivate(node.layout, unwanted)

        killed = killed_at(step, work)
        with contextlib.suppress(NodeError):  # It may have come to the registry.
            work()
        routes = node.routes
        assert set(routes.locations) == {"other.test"}
        assert node.served() == {other}, "Varnish serves what was taken away"
        assert registry.rebuild(instances.load_all(node.layout)).locations == routes.locations
        removal.prune(node.layout, "hello", 1)
        assert node.running() == node.enabled() == {other}, instance
        step += 2
    assert step > 5, "the deactivation was not watched"


def check_active(node: Node) -> None:
    """Check that whatever visitors are sent to is running, and comes back after a boot."""
    routes = node.routes
    assert routes.all_active() <= node.running()
    assert routes.all_active() <= node.enabled()
    # At `prev.` an instance may rest.
    assert node.served() >= routes.all_active()
