"""Updates that change data: it is put back where nothing is lost so, whatever fails or ends."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from silvernode import jobs, locks, settings
from silvernode.data import checkpoints, draining, evidence, going_back, journal, mending, safeguard
from silvernode.deploy import activation, recycling, switching
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Upload
from silvernode.errors import DataChanged, NodeError
from silvernode.routing import closings
from silversupport.traffic import Traffic
from tests.silvernode.data.conftest import UPDATE, Book
from tests.silvernode.test_crashes import check_site, killed_at

MODES = ["", "maintenance", "read-only"]


def update(book: Book, files: dict[str, str], **plan: Any) -> str:
    """Deploy an app; the new instance."""
    node = book.node
    upload = Upload(book.upload(files), node.routes.active("hello.test"))
    answer = deploy.switch(node.layout, node.request(**UPDATE, **plan), upload)
    return str(answer["instance"])


def visitor(book: Book) -> str:
    """Return a command by which an update's script stands for a visitor's request meanwhile."""
    run = book.node.layout.run(book.node.routes.active("hello.test"))
    counts = r"\001\000\000\000\000\000\000\000"
    return f"printf '{counts}{counts}' > {run}/requests/1"


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_update_puts_the_data_back(book: Book, mode: str) -> None:
    active = book.node.routes.active("hello.test")
    with pytest.raises(NodeError, match="exit status 3\nthe data is as it was before") as caught:
        update(book, book.script("half", 3), update_mode=mode or None)
    assert not isinstance(caught.value, DataChanged)
    assert (book.word, book.copy) == ("before", "")
    assert active in book.recycled, "the instance goes on with the database that is gone"
    assert book.checkpoints() == []
    assert journal.load(book.node.layout, "hello") is None
    assert closings.current(book.node.layout) == {}
    check_site(book.node)


def test_an_update_that_fails_and_changed_nothing_leaves_nothing_to_tell(book: Book) -> None:
    with pytest.raises(NodeError) as caught:
        update(book, book.script("before", 3))
    assert str(caught.value).endswith("ended with exit status 3")
    assert book.checkpoints() == []
    assert book.recycled == []


def test_what_visitors_wrote_meanwhile_is_not_taken_back(book: Book) -> None:
    active = book.node.routes.active("hello.test")
    with pytest.raises(DataChanged, match="was not put back: it was asked by visitors") as caught:
        update(book, book.script("half", 3, visitor(book)))
    (kept,) = book.checkpoints()
    assert f"./silver activate hello.test {active} --checkpoint {kept.name}" in str(caught.value)
    assert (book.word, book.copy) == ("half", "")
    assert (kept / "services/book/word").read_text() == "before"
    assert (
        json.loads((kept / "checkpoint.json").read_bytes())["reason"]
        == "before an update that failed"
    )


def test_who_kept_everybody_from_writing_has_the_data_back(book: Book) -> None:
    with pytest.raises(NodeError, match="the data is as it was before"):
        update(book, book.script("half", 3, visitor(book)), update_mode="read-only")
    assert book.word == "before"


@pytest.fixture
def shared(book: Book) -> Book:
    """The data is that of other nodes, too."""
    program = book.node.layout.service_program("book")
    program.write_text(
        program.read_text().replace("has_checkpoint = True", "has_checkpoint = is_shared = True")
    )
    return book


@pytest.mark.parametrize("mode", ["", "maintenance"])
def test_what_other_nodes_may_have_written_is_not_taken_back(shared: Book, mode: str) -> None:
    with pytest.raises(DataChanged, match="runs on other nodes, too, which may have written"):
        update(shared, shared.script("half", 3), update_mode=mode or None)
    assert shared.word == "half"
    [kept] = shared.checkpoints()
    before = shared.node.routes.active("hello.test")
    wish = activation.Wish(["hello.test"], before, "ann@laptop", kept.name)
    activation.activate(shared.node.layout, wish)
    assert shared.word == "before"


def test_what_no_node_can_write_is_put_back(shared: Book) -> None:
    with pytest.raises(NodeError, match="the data is as it was before"):
        update(shared, shared.script("half", 3), update_mode="read-only")
    assert shared.word == "before"


def test_maintenance_keeps_visitors_out_but_no_script(book: Book) -> None:
    note = book.node.layout.checkpoints / "hello/ran"
    with pytest.raises(DataChanged, match="a script of silver run has run"):
        update(book, book.script("half", 3, f"touch {note}"), update_mode="maintenance")
    assert book.word == "half"


def killed_before(book: Book, monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> str:
    """Kill an update of mode `read-only` right before a function is called; the instance before."""
    node = book.node
    active = node.routes.active("hello.test")
    upload = Upload(book.upload(book.script("half")), active)
    request = node.request(**UPDATE, update_mode="read-only")
    child = os.fork()
    if not child:
        monkeypatch.setattr(where, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        try:
            deploy.switch(node.layout, request, upload)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    return active


def count_a_request(book: Book, instance: str) -> None:
    traffic = Traffic(book.node.layout.run(instance) / "requests/1")
    traffic.begin()
    traffic.end()


@pytest.mark.parametrize("step, word", [("release", "before"), ("serve", "half")])
def test_once_the_database_lets_all_write_again_the_evidence_decides(
    book: Book, monkeypatch: pytest.MonkeyPatch, step: str, word: str
) -> None:
    where: Any = {"release": safeguard.Guard, "serve": switching}[step]
    active = killed_before(book, monkeypatch, where, step)
    count_a_request(book, active)
    told = book.node.prepare()["warnings"]
    assert book.word == word
    assert ("was not put back: it was asked by visitors" in told[0]) == (word == "half")


def test_an_update_killed_after_the_switch_has_its_jobs_and_its_site_again(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = killed_before(book, monkeypatch, safeguard.Guard, "settle")
    node = book.node
    assert node.routes.active("hello.test") != before
    followed: list[str] = []

    def follow(_: object, app: str) -> list[str]:
        followed.append(app)
        return []

    monkeypatch.setattr(jobs, "follow", follow)
    assert mending.mend_later(node.layout, settings.load(node.layout), "hello")
    assert followed == ["hello"]
    label = (node.fake / "label/app_hello").read_text().strip()
    assert "X-Silver-Closed = " not in (node.fake / "vcl" / label).read_text()
    assert journal.apps(node.layout) == []
    assert book.word == "half"


def test_a_failure_after_the_data_was_put_back_is_a_warning(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ProcessLookupError("no such process")

    monkeypatch.setattr(recycling, "recycle", fail)
    with pytest.raises(NodeError, match=r"as it was before.*\n.*no such process") as caught:
        update(book, book.script("half", 3))
    assert not isinstance(caught.value, DataChanged)
    assert (book.word, book.copy) == ("before", "")
    assert book.checkpoints() == []


def test_a_backup_does_not_keep_the_data_from_being_put_back(book: Book) -> None:
    with (
        locks.of_data(book.node.layout, "hello", "timer", "backing up"),
        pytest.raises(NodeError, match="the data is as it was before"),
    ):
        update(book, book.script("half", 3))


def test_the_way_back_from_a_new_location_is_one_where_the_instance_is(book: Book) -> None:
    active = book.node.routes.active("hello.test")
    upload = Upload(book.upload(book.script("half", 3, visitor(book))), "")
    with pytest.raises(DataChanged, match=f"silver activate hello.test {active} --checkpoint"):
        deploy.switch(book.node.layout, book.node.request("new.test", **UPDATE), upload)


def test_what_cannot_be_ended_keeps_no_other_app_from_it(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before(book, monkeypatch, safeguard.Guard, "release")
    (journal.directory(book.node.layout, "broken") / "update.json").write_text("{")
    (told, put_back) = mending.mend_all(book.node.layout, settings.load(book.node.layout))
    assert told.startswith("what was interrupted of broken could not be ended: ")
    assert "the data is as it was before" in put_back
    assert book.word == "before"


def go_back(book: Book, instance: str, *locations: str) -> dict[str, Any]:
    wish = activation.Wish(locations or ["hello.test"], instance, "ann@laptop", going_back.NEWEST)
    return activation.activate(book.node.layout, wish)


def test_going_back_loses_nothing_that_a_script_writes_meanwhile(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = book.node.routes.active("hello.test")
    update(book, book.script("after"))
    kept = book.checkpoints()
    take = checkpoints.take

    def taken(*arguments: Any) -> checkpoints.Checkpoint:
        found = take(*arguments)
        with evidence.noted(book.node.layout, "hello"):
            book.path.write_text("1 written\n\n")
        return found

    monkeypatch.setattr(checkpoints, "take", taken)
    with pytest.raises(NodeError, match=r"silver run has run while.*try again$") as caught:
        go_back(book, before)
    assert not isinstance(caught.value, DataChanged)
    assert (book.word, book.checkpoints()) == ("written", kept)
    monkeypatch.undo()


def test_going_back_to_what_does_not_work_leaves_the_data_of_now(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = book.node.routes.active("hello.test")
    update(book, book.script("after"))
    kept = book.checkpoints()

    def recycle(_layout: object, instance: str, _settings: object) -> None:
        (book.node.layout.run(instance) / "requests/2").write_bytes(bytes(16))

    monkeypatch.setattr(recycling, "recycle", recycle)
    book.node.site.statuses["/"] = 500
    with pytest.raises(NodeError, match="answered 500") as caught:
        go_back(book, before)
    assert not isinstance(caught.value, DataChanged)
    assert (book.word, book.copy, book.checkpoints()) == ("after", "", kept)


def test_going_back_keeps_out_of_the_way_of_a_backup(book: Book) -> None:
    before = book.node.routes.active("hello.test")
    update(book, book.script("after"))
    with (
        locks.of_data(book.node.layout, "hello", "timer", "backing up"),
        pytest.raises(NodeError, match="the data of hello is in use on this node by timer"),
    ):
        go_back(book, before)
    assert book.word == "after"


def test_going_back_to_what_is_served_elsewhere_says_what_to_do_first(book: Book) -> None:
    before = book.node.routes.active("hello.test")
    update(book, book.script("after"))
    wish = activation.Wish(["other.test"], before, "ann@laptop")
    activation.activate(book.node.layout, wish)
    with pytest.raises(NodeError, match=f"first: ./silver activate hello.test {before}, then"):
        go_back(book, before)
    assert book.word == "after"


@pytest.mark.parametrize("mode, word", [("maintenance", "before"), ("", "half")])
def test_after_a_power_failure_only_maintenance_tells_that_nobody_wrote(
    book: Book, mode: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = book.node
    active = node.routes.active("hello.test")
    upload = Upload(book.upload(book.script("half", 0, "sleep 5")), active)
    request = node.request(**UPDATE, update_mode=mode or None)
    child = os.fork()
    if not child:
        try:
            deploy.switch(node.layout, request, upload)
        finally:
            os._exit(0)
    while book.word == "before":
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert book.word == "half"
    boot = tmp_path / "boot"
    boot.write_text("another")
    monkeypatch.setattr(evidence, "BOOT", boot)
    told = node.prepare()["warnings"]
    assert book.word == word
    assert ("was not put back: the node was started again" in told[0]) == (word == "half")


def test_requests_that_came_before_the_checkpoint_do_not_count(book: Book) -> None:
    run = book.node.layout.run(book.node.routes.active("hello.test"))
    traffic = Traffic(run / "requests/1")
    traffic.begin()
    traffic.end()
    with pytest.raises(NodeError, match="the data is as it was before"):
        update(book, book.script("half", 3))


def test_a_request_that_is_under_way_counts(book: Book) -> None:
    run = book.node.layout.run(book.node.routes.active("hello.test"))
    path = run / "requests/self"
    Traffic(path).begin()
    with pytest.raises(DataChanged, match="was answering requests"):
        update(book, book.script("half", 3))
    assert book.word == "half"


def test_an_instance_that_counts_no_requests_is_never_taken_for_idle(book: Book) -> None:
    run = book.node.layout.run(book.node.routes.active("hello.test"))
    (run / "requests/1").unlink()
    with pytest.raises(DataChanged, match="does not count its requests"):
        update(book, book.script("half", 3))
    assert book.word == "half"


def test_a_link_in_the_place_of_a_count_is_not_followed(book: Book, tmp_path: Path) -> None:
    run = book.node.layout.run(book.node.routes.active("hello.test"))
    (tmp_path / "counts").write_bytes(bytes(16))
    (run / "requests/1").unlink()
    (run / "requests/1").symlink_to(tmp_path / "counts")
    with pytest.raises(DataChanged, match="cannot be told"):
        update(book, book.script("half", 3))


def test_a_script_of_silver_run_meanwhile_counts(book: Book) -> None:
    note = book.node.layout.checkpoints / "hello/ran"
    with pytest.raises(DataChanged, match="a script of silver run has run"):
        update(book, book.script("half", 3, f"touch {note}"))


def test_a_successful_update_keeps_the_checkpoint_of_the_instance_before(book: Book) -> None:
    before = book.node.routes.active("hello.test")
    update(book, book.script("after"))
    (kept,) = book.checkpoints()
    assert kept.parent.name == before
    assert book.word == "after"
    assert kept.stat().st_mode & 0o777 == 0o700


def test_only_the_newest_checkpoints_are_kept_and_none_of_a_removed_instance(book: Book) -> None:
    for number in range(6):
        update(book, book.script(f"word{number}"))
    kept = book.checkpoints()
    assert 0 < len(kept) <= 3
    assert {each.parent.name for each in kept} <= {
        path.name for path in book.node.layout.www.glob("hello.*")
    }


@pytest.mark.parametrize(
    "changed, why",
    [
        ({"checkpoint": False}, "app_checkpoint is off"),
        ({"checkpoint_max_mb": 1}, "the data takes 5 MB"),
        ({"disk_reserve_mb": 10**9}, "the disk has 0 MB left"),
    ],
)
def test_no_checkpoint_is_told_in_a_line(book: Book, changed: dict[str, Any], why: str) -> None:
    path = book.node.layout.settings
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changed))
    book.path.with_name("size").write_text(str(5 * 2**20))
    node = book.node
    upload = Upload(book.upload(book.script("after")), node.routes.active("hello.test"))
    answer = deploy.switch(node.layout, node.request(**UPDATE), upload)
    assert why in answer["warnings"][0]
    assert book.checkpoints() == []


def test_a_server_that_cannot_be_dumped_is_told_in_a_line(book: Book) -> None:
    program = book.node.layout.service_program("book")
    text = "\n    def obstacle(self) -> str:\n        return 'it is too new'\n"
    program.write_text(program.read_text() + text)
    node = book.node
    upload = Upload(book.upload(book.script("after")), node.routes.active("hello.test"))
    answer = deploy.switch(node.layout, node.request(**UPDATE), upload)
    assert answer["warnings"] == ["no checkpoint of the data of hello was taken: it is too new"]
    assert (book.word, book.checkpoints()) == ("after", [])


def test_an_app_that_updates_nothing_has_no_checkpoint(book: Book) -> None:
    book.node.deploy()
    assert book.checkpoints() == []


def test_the_first_update_of_an_app_is_put_back_too(book: Book) -> None:
    node = book.node
    location = "other.test"
    (node.layout.registry).unlink()
    upload = Upload(book.upload(book.script("half", 3)), "")
    for path in node.layout.run("x").parent.glob("hello.*"):
        (path / "requests/1").write_bytes(bytes(16))
    with pytest.raises(NodeError, match="the data is as it was before"):
        deploy.switch(node.layout, node.request(location, **UPDATE), upload)
    assert book.word == "before"
    assert book.checkpoints() == []


def test_a_request_that_does_not_end_keeps_the_update_from_beginning(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "SECONDS", 0.1)
    run = book.node.layout.run(book.node.routes.active("hello.test"))
    Traffic(run / "requests/self").begin()
    with pytest.raises(NodeError, match="requests of visitors did not end"):
        update(book, book.script("half"), update_mode="maintenance")
    assert book.word == "before"
    assert closings.current(book.node.layout) == {}


@pytest.mark.parametrize(
    "status, mode", [(3, ""), (0, "maintenance"), (3, "read-only")], ids=["", "good", "read-only"]
)
def test_an_update_killed_at_any_step(book: Book, mode: str, status: int) -> None:
    node, step, killed = book.node, 0, True
    while killed:
        book.path.write_text("1 before\n\n")
        active = node.routes.active("hello.test")
        upload = book.upload(book.script("after", status))

        def work(upload: str = upload, active: str = active) -> None:
            request = node.request(**UPDATE, update_mode=mode or None)
            try:
                deploy.switch(node.layout, request, Upload(upload, active))
            except NodeError:
                assert status

        killed = killed_at(step, work)
        node.prepare()
        now = node.routes.active("hello.test")
        assert book.word == ("before" if now == active else "after"), step
        assert journal.apps(node.layout) == []
        assert closings.current(node.layout) == {}
        check_site(node)
        mending.mend_all(node.layout, settings.load(node.layout))
        book.path.write_text("1 before\n\n")
        node.deploy()
        assert [path.name for path in node.layout.checkpoints.glob("hello/.*")] == []
        step += 7
    assert step > 60, "the update was not watched"
