"""Backup, restore and clear of an app: all or nothing, whatever is killed and whatever fails."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from silverbackup import archive, encryption
from silverbackup.errors import BackupError
from silvernode import instances, locks, settings
from silvernode.data import backup, clear, mending, pending, programs, restore
from silvernode.deploy import app_config
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry
from tests.silvernode import test_crashes
from tests.silvernode.conftest import Node
from tests.silvernode.test_crashes import killed_at
from tests.support import kept as kept_data
from tests.support.kept import data, left, write

needs_age = pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
WANTED = restore.Wanted("hello", "hello.test", "web1", "ann@laptop")


@pytest.fixture
def kept(node: Node, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that serves `hello`, which has data in two services and a secret."""
    monkeypatch.setattr(programs, "identity", lambda user: {})  # There are no users of apps here.
    kept_data.install(node.layout)
    patient = json.loads(node.layout.settings.read_bytes())
    patient |= {"start_timeout": 60, "check_timeout": 60}  # Machines of tests are busy.
    node.layout.settings.write_text(json.dumps(patient))
    node.deploy()
    write(node.layout, "first")
    return node


def packed(layout: Layout) -> bytes:
    """An archive of the app, not encrypted."""
    record = instances.load(layout, registry.load(layout).active("hello.test"))
    assert record
    asked = backup.Wanted("hello.test", "web1", "ann@laptop", [])
    root = layout.root / "gathered"
    root.mkdir()
    stream = io.BytesIO()
    archive.write(stream, backup._gather(layout, asked, record, root), root)
    shutil.rmtree(root)
    return stream.getvalue()


def restored(layout: Layout, plain: bytes, wanted: restore.Wanted = WANTED) -> dict[str, Any]:
    return restore.restore(layout, wanted, io.BytesIO(plain))


@pytest.fixture
def plain(kept: Node) -> bytes:
    """An archive of the app's first data; it has a second by now."""
    found = packed(kept.layout)
    write(kept.layout, "second")
    return found


def give_config(node: Node, text: str) -> None:
    """Give the active instance a configuration, as `--config` does."""
    name = node.routes.active("hello.test")
    record = instances.load(node.layout, name)
    assert record
    instances.save(node.layout, replace(record, config=app_config.GIVEN))
    (app_config.path(node.layout, name) / "settings.ini").write_text(text)


@needs_age
def test_a_backup_has_everything(kept: Node, tmp_path: Path) -> None:
    encryption.make_identity(tmp_path / "identity")
    key = encryption.recipient(tmp_path / "identity")
    asked = backup.Wanted("hello.test", "web1", "ann@laptop", [key])
    with (tmp_path / "archive").open("wb") as file:
        backup.make(kept.layout, asked, file)
    with (
        (tmp_path / "archive").open("rb") as sealed,
        encryption.decrypted(sealed, tmp_path / "identity") as stream,
    ):
        found = archive.unpack(stream, tmp_path / "node")
    assert found.app == "hello"
    assert found.instance == kept.routes.active("hello.test")
    assert found.services["database"] == {"facts": {"length": 5}, "bytes": 5}
    assert found.versions == {"database": "1"}
    assert {"secret", "app.ini", "services/database/dump", "services/files/files.tar"} == set(
        found.members
    )
    assert left(kept.layout) == []


def test_a_restore_brings_everything_back(kept: Node, plain: bytes) -> None:
    answer = restored(kept.layout, plain)
    assert answer["warnings"] == []
    assert "hello.test on web1 has the data of hello.test from 2" in answer["msg"]
    found = data(kept.layout)
    assert (found["database"], found["files"]) == ("first", {"file": "first"})
    assert found["secret"] == "secret of first"
    assert kept.running() == kept.served() == kept.enabled()
    assert left(kept.layout) == []


def test_the_app_is_stopped_and_closed_while_its_data_is_exchanged(
    kept: Node, plain: bytes
) -> None:
    before = len(kept.calls())
    restored(kept.layout, plain)
    calls = kept.calls()[before:]
    stops = [n for n, call in enumerate(calls) if call.startswith("systemctl stop silver-hello@")]
    loads = [n for n, call in enumerate(calls) if "vcl.label app_hello" in call]
    starts = [n for n, call in enumerate(calls) if call.startswith("systemctl start silver-hello@")]
    watch = next(n for n, call in enumerate(calls) if "silver-node mend hello" in call)
    assert watch < loads[0] < stops[0] < starts[0] < loads[1]


def test_a_configuration_comes_back_to_the_active_instance(kept: Node) -> None:
    give_config(kept, "first")
    plain = packed(kept.layout)
    give_config(kept, "second")
    restored(kept.layout, plain)
    assert list(data(kept.layout)["config"].values()) == ["first"]
    assert left(kept.layout) == []


def test_a_configuration_waits_for_the_first_update(kept: Node, layout: Layout) -> None:
    give_config(kept, "first")
    plain = packed(layout)
    instance = kept.routes.active("hello.test")
    shutil.rmtree(app_config.path(layout, instance))
    registry.save(layout, registry.Registry(addresses=kept.routes.addresses))
    restored(layout, plain)
    assert data(layout)["secret"] == "secret of first"
    kept.deploy(config={"required": "true"})
    active = kept.routes.active("hello.test")
    assert (app_config.path(layout, active) / "settings.ini").read_text() == "first"
    assert instances.load(layout, active).config == app_config.GIVEN  # type: ignore[union-attr]
    assert not app_config.restored(layout, "hello").exists()


def refused(kept: Node, work: Callable[[], object], said: str) -> None:
    """Check that something fails and changes nothing."""
    before, state = data(kept.layout), kept.state()
    with pytest.raises((NodeError, BackupError, OSError), match=said):
        work()
    assert data(kept.layout) == before
    assert kept.state() == state
    assert left(kept.layout) == []


@pytest.mark.parametrize("size", [0, 100, 5_000, 20_000, -512])
def test_a_cut_off_archive_changes_nothing(kept: Node, plain: bytes, size: int) -> None:
    refused(kept, lambda: restored(kept.layout, plain[:size]), "archive")


def test_a_tampered_archive_changes_nothing(kept: Node, plain: bytes) -> None:
    refused(
        kept,
        lambda: restored(kept.layout, plain.replace(b"secret of first", b"secret of worst")),
        "secret is not what the manifest says",
    )


def test_another_apps_archive_changes_nothing(kept: Node, plain: bytes) -> None:
    kept.deploy("polls.test", name="polls")
    other = restore.Wanted("polls", "polls.test", "web1", "ann@laptop")
    refused(kept, lambda: restored(kept.layout, plain, other), "polls.test is served by polls")
    other = restore.Wanted("polls", "new.test", "web1", "ann@laptop")
    refused(kept, lambda: restored(kept.layout, plain, other), "of the app hello, not of polls")


def test_data_for_a_service_that_the_app_does_not_have(kept: Node, plain: bytes) -> None:
    kept.layout.service_env("hello", "database").unlink()
    refused(kept, lambda: restored(kept.layout, plain), "service.database, which hello does not")


def test_a_copy_that_is_not_complete_changes_nothing(
    kept: Node, plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = kept.layout.service_program("database")
    program.write_text(program.read_text().replace('facts["length"]', "99"))
    refused(kept, lambda: restored(kept.layout, plain), "not complete")


def test_an_app_that_does_not_work_with_the_data_gets_its_own_back(
    kept: Node, plain: bytes
) -> None:
    kept.site.statuses["/"] = 500
    refused(kept, lambda: restored(kept.layout, plain), "everything was put back: / answered 500")


@pytest.mark.parametrize("command", ["stop", "vcl.label", "systemd-run"])
def test_a_program_that_fails_changes_nothing(kept: Node, plain: bytes, command: str) -> None:
    before = data(kept.layout)
    kept.fail(command)
    with pytest.raises(NodeError):
        restored(kept.layout, plain)
    kept.fail("")
    mending.mend_all(kept.layout, settings.load(kept.layout))
    assert data(kept.layout) == before
    assert kept.running() == kept.served()
    assert left(kept.layout) == []


def test_a_disk_without_room_changes_nothing(kept: Node, plain: bytes) -> None:
    changed = json.loads(kept.layout.settings.read_bytes()) | {"disk_reserve_mb": 10**9}
    kept.layout.settings.write_text(json.dumps(changed))
    refused(kept, lambda: restored(kept.layout, plain), "make room")


@pytest.mark.parametrize("lock", [locks.of_app, locks.of_data])
def test_it_keeps_out_of_the_way_of_others(kept: Node, plain: bytes, lock: Any) -> None:
    with lock(kept.layout, "hello", "bob@desk", "doing something"):
        refused(kept, lambda: restored(kept.layout, plain), "bob@desk")


def test_a_clear_leaves_what_there_was_in_the_beginning(kept: Node) -> None:
    secret = data(kept.layout)["secret"]
    answer = clear.clear(kept.layout, "hello", "ann@laptop")
    assert answer["msg"] == "the data of hello is cleared: database, files"
    found = data(kept.layout)
    assert (found["database"], found["files"], found["secret"]) == ("", {}, secret)
    assert kept.running() == kept.served()
    assert left(kept.layout) == []


def test_a_clear_that_the_app_does_not_survive_is_a_warning(kept: Node) -> None:
    kept.site.statuses["/"] = 500
    answer = clear.clear(kept.layout, "hello", "ann@laptop")
    assert "does not work without its data: / answered 500" in answer["warnings"][0]
    assert data(kept.layout)["database"] == ""
    assert kept.running() == kept.served()


def mend_later(kept: Node) -> None:
    """Do what the watcher of a killed command does."""
    mending.mend_later(kept.layout, settings.load(kept.layout), "hello")


def is_closed(kept: Node) -> bool:
    """Tell whether visitors are kept out."""
    label = (kept.fake / "label/app_hello").read_text().strip()
    return "X-Silver-Closed = " in (kept.fake / "vcl" / label).read_text()


@pytest.fixture
def each_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a process that is killed at a step be killed before each exchange, too."""
    monkeypatch.setattr(test_crashes, "STEPS", test_crashes.STEPS | {"ctypes.dlopen"})


@pytest.mark.usefixtures("each_swap")
def test_a_restore_killed_at_any_step_changes_nothing_or_all(kept: Node) -> None:
    give_config(kept, "first")
    plain, step, ends = packed(kept.layout), 0, set()
    first = data(kept.layout)
    while True:
        write(kept.layout, f"data {step:04d}")
        give_config(kept, f"config {step:04d}")
        before = data(kept.layout)
        killed = killed_at(step, lambda: restored(kept.layout, plain))
        mend_later(kept)
        found = data(kept.layout)
        assert found in (before, first), f"half of it after step {step}"
        ends.add(found == first)
        assert left(kept.layout) == [], step
        assert not pending.apps(kept.layout)
        assert kept.running() == kept.served() == kept.enabled()
        assert not is_closed(kept)
        if not killed:
            break
        step += 1
    assert ends == {True, False}
    assert step > 30, "the restore was not watched"


@pytest.mark.usefixtures("each_swap")
def test_what_mends_can_be_killed_too(kept: Node) -> None:
    plain = packed(kept.layout)
    steps = iter(range(0, 1000, 3))
    for step in range(20, 200, 7):
        write(kept.layout, f"data {step:04d}")
        before = data(kept.layout)
        if not killed_at(step, lambda: restored(kept.layout, plain)):
            break
        undone = pending.load(kept.layout, "hello")
        for _ in range(3):
            killed_at(next(steps) % 25, lambda: mend_later(kept))
        mend_later(kept)
        if undone is None or undone.begun:
            assert data(kept.layout) == before
        assert left(kept.layout) == []
