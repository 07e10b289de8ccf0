"""An update with a real rsync, to a directory of this machine that plays the node."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from silverlining.deploy import interruption, transfer
from silverlining.deploy.transfer import TransferError
from silverlining.deploy.update import Node, Update
from silversupport.errors import SilverError

ACTIVE, NEXT = "polls.20261122_001", "polls.20261122_002"


class FakeNode:
    """Answers as `silver-node` does, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.active = ACTIVE
        self.texts: dict[str, str] = {}
        self.failure: SilverError | None = None
        self.removed: list[str] = []

    def call(self, command: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((command, request))
        if command == "switch" and self.failure:
            raise self.failure
        answers: dict[str, dict[str, Any]] = {
            "switch": {"instance": NEXT, "previous": ACTIVE, "warnings": []}
            | {"removed": self.removed, "freed": 12_345_678},
            "settle": {"active": self.active},
            "texts": {"texts": self.texts},
        }
        return answers.get(command.partition(" ")[0], {})

    def commands(self) -> list[str]:
        return [command for command, _ in self.asked]


@pytest.fixture
def fake() -> FakeNode:
    return FakeNode()


@pytest.fixture
def update(tmp_path: Path, fake: FakeNode) -> Update:
    """An update of an app with one changed file."""
    app, www = tmp_path / "app", tmp_path / "www"
    for root in (app, www / ACTIVE):
        (root / "src").mkdir(parents=True)
        (root / "app.ini").write_text("ini\n")
        (root / "src/app.py").write_text(f"{root.name}\n")
        for path, mode in {"app.ini": 0o640, "src/app.py": 0o640, "src": 0o750}.items():
            (root / path).chmod(mode)
    (www / ".staging").mkdir()
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != node ]; do shift; done; shift; exec sh -c "$*"\n')
    ssh.chmod(0o755)
    needs = {
        "active": ACTIVE,
        "disabled": False,
        "base": str(www / ACTIVE),
        "staging": str(www / ".staging/polls.1"),
        "config": "",
        "services": [],
        "packages": [],
        "outdated": False,
        "edits": {"changed": [], "added": [], "removed": []},
        "free_bytes": 1_000_000,
    }
    node = Node("web1", "node", [str(ssh)], sudo=False, call=fake.call)
    # The name of a group that there is: root's.
    return Update(app, None, {"name": "x"}, "polls.test", needs, node, check=False)


@pytest.fixture(autouse=True)
def any_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave owners alone, which only root may change, to groups that there are."""
    rsync = transfer.Transfer._rsync

    def as_mine(self: transfer.Transfer, options: list[str], remote: str) -> str:
        return rsync(replace(self, group=str(os.getgid())), options, remote)

    monkeypatch.setattr(transfer.Transfer, "_rsync", as_mine)


def needing(update: Update, **needs: Any) -> Update:
    return replace(update, needs={**update.needs, **needs})


def unchanged(update: Update) -> Update:
    (update.directory / "src/app.py").write_text(f"{ACTIVE}\n")
    return update


def test_what_has_changed_is_uploaded_and_switched_to(update: Update, fake: FakeNode) -> None:
    result = update.run(force=False)
    assert result["changed"] is True
    assert result["msg"].splitlines() == [
        "uploaded 1 file, 0.0 kB",
        f"http://polls.test/ is served by {NEXT}, prev.polls.test by {ACTIVE} (web1, node)",
    ]
    ((command, request),) = fake.asked
    assert command == "switch"
    assert request["staging"] == "polls.1"
    assert request["expected"] == ACTIVE
    assert request["config"] is False
    assert request["revisions"] == []
    assert (Path(update.needs["staging"]) / "src/app.py").read_text() == "app\n"


def test_what_was_pruned_is_told_with_the_room_that_it_gave_back(
    update: Update, fake: FakeNode
) -> None:
    fake.removed = ["polls.20261101_001", "polls.20261101_002"]
    told = update.run(force=False)["msg"].splitlines()[-1]
    assert told == "removed polls.20261101_001, polls.20261101_002: 12.3 MB freed"


def test_nothing_is_uploaded_if_nothing_has_changed(update: Update, fake: FakeNode) -> None:
    result = unchanged(update).run(force=False)
    assert result["changed"] is False
    assert f"is served by {ACTIVE}; nothing has changed" in result["msg"]
    assert fake.asked == []


def test_a_location_that_is_disabled_is_told_of(update: Update) -> None:
    told = needing(unchanged(update), disabled=True).run(force=False)["msg"]
    assert "but it is disabled for visitors; to open it: ./silver enable --help" in told


@pytest.mark.parametrize(
    ("force", "needs"),
    [
        (True, {}),
        (False, {"outdated": True}),
        (False, {"active": ""}),
        (False, {"services": [{"name": "files"}]}),
    ],
)
def test_what_makes_a_new_instance_of_the_same_files(
    update: Update, fake: FakeNode, force: bool, needs: dict[str, Any]
) -> None:
    assert needing(unchanged(update), **needs).run(force=force)["changed"] is True
    assert fake.commands() == ["switch"]


def test_a_configuration_is_uploaded_beside_the_app(
    update: Update, fake: FakeNode, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "secret.ini").write_text("hush")
    given = replace(unchanged(update), config=config)
    assert given.run(force=False)["changed"] is True
    staged = Path(f"{update.needs['staging']}.config/secret.ini")
    assert staged.read_text() == "hush"
    assert staged.stat().st_mode & 0o777 == 0o640
    assert fake.asked[0][1]["config"] is True
    assert needing(given, config=str(staged.parent)).run(force=False)["changed"] is False
    (config / "secret.ini").write_text("HUSH")
    told = needing(replace(given, check=True), config=str(staged.parent)).run(force=False)
    assert "changed  secret.ini (deployment configuration)" in told["diff"][0]["prepared"]
    assert "hush" not in str(told).lower()


def test_looking_uploads_nothing_and_shows_texts(update: Update, fake: FakeNode) -> None:
    fake.texts = {"src/app.py": f"{ACTIVE}\n"}
    result = replace(update, check=True).run(force=False)
    assert result["changed"] is True
    assert fake.asked[0][1]["paths"] == ["src/app.py"]
    assert fake.commands() == ["texts"]
    assert result["diff"][1]["before"] == f"{ACTIVE}\n"
    assert result["diff"][1]["after"] == "app\n"
    assert result["differences"]["changed"] == ["src/app.py"]
    assert not Path(update.needs["staging"]).exists()


def test_looking_at_what_has_not_changed_asks_nothing(update: Update, fake: FakeNode) -> None:
    result = replace(unchanged(update), check=True).run(force=False)
    assert (result["changed"], result["diff"], fake.asked) == (False, [], [])


def test_a_failed_upload_is_abandoned(
    update: Update, fake: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TransferError("no room")

    monkeypatch.setattr(transfer.Transfer, "upload", fail)
    with pytest.raises(TransferError):
        update.run(force=False)
    assert fake.commands() == ["abandon polls.1"]


def test_an_upload_that_would_fill_the_disk_is_refused(update: Update, fake: FakeNode) -> None:
    with pytest.raises(SilverError, match="only 0 MB left"):
        needing(update, free_bytes=1).run(force=False)
    assert fake.asked == []


def test_edits_on_the_server_that_get_lost_are_a_warning(update: Update) -> None:
    edits = {"changed": ["src/app.py"], "added": ["same.py"], "removed": []}
    (warning,) = needing(update, edits=edits).run(force=False)["warnings"]
    assert warning.startswith(f"{ACTIVE} was edited on the server (src/app.py):")
    assert needing(update, edits=None).run(force=False)["warnings"] == []


def test_many_edits_are_counted(update: Update) -> None:
    for number in range(5):
        (update.directory / f"x{number}").write_text("new")
    edits = {"changed": [f"x{number}" for number in range(5)], "added": [], "removed": []}
    (warning,) = needing(update, edits=edits).run(force=False)["warnings"]
    assert "(x0, x1, x2 and 2 more)" in warning


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (ACTIVE, ACTIVE, f"is served by {ACTIVE} as before, and nothing of the upload is left"),
        ("", "", "polls.test stays as it was, and nothing of the upload is left"),
        (ACTIVE, NEXT, f"is served by {NEXT}: it was too late to stop the update"),
    ],
)
def test_an_interrupted_update_says_how_it_ended(
    update: Update, fake: FakeNode, before: str, now: str, said: str
) -> None:
    fake.active = now
    assert said in needing(update, active=before).settle()
    assert fake.asked[0][1]["staging"] == "polls.1"


def test_what_is_said_of_a_killed_update_is_never_more_than_is_known(
    update: Update, fake: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(interruption, "tell", told.append)
    update.run(force=False)
    assert "it is not known" in told[0]
    assert told[1:] == [f"polls.test is served by {NEXT}"]


def test_a_refused_instance_is_the_nodes_to_remove(update: Update, fake: FakeNode) -> None:
    fake.failure = SilverError("web1: the application could not be imported")
    with pytest.raises(SilverError, match="could not be imported"):
        update.run(force=False)
    assert fake.commands() == ["switch"]


def test_a_rewritten_file_is_uploaded_as_such(update: Update) -> None:
    library = update.directory / "lib/python"
    library.mkdir(parents=True)
    (update.directory / "src/pkg").mkdir()
    (library / "pkg.pth").write_text(f"{update.directory}/src/pkg\n")
    update.run(force=False)
    assert (Path(update.needs["staging"]) / "lib/python/pkg.pth").read_text() == "../../src/pkg\n"
    assert (library / "pkg.pth").read_text() == f"{update.directory}/src/pkg\n"
