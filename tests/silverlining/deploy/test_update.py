"""An update with a real rsync, to directories of this machine that play the nodes."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from silverlining.deploy import interruption, transfer
from silverlining.deploy.node_program import NodeProgramError
from silverlining.deploy.node_update import Node, NodeUpdate, Release
from silverlining.deploy.session import Session
from silverlining.deploy.transfer import TransferError
from silverlining.deploy.update import Update
from silverlining.remote.connections import Connection
from silversupport.errors import SilverError

ACTIVE, NEXT = "polls.20261122_001", "polls.20261122_002"


class FakeSession(Session):
    """A switch that a fake node has begun."""

    def __init__(self, fake: "FakeNode") -> None:
        self.node, self.fake = fake.connection.node, fake

    def tried(self) -> None:
        self.fake.step("tried")

    def serve(self) -> dict[str, Any]:
        self.fake.step("serve")
        about = {"removed": self.fake.removed, "freed": 12_345_678, "warnings": []}
        return {"instance": NEXT, "previous": ACTIVE, **about}

    def refuse(self) -> NodeProgramError | None:
        self.fake.journal.append(f"{self.node}: refuse")
        return self.fake.given_up


class FakeNode(Node):
    """Answers as `silver-node` does, and notes what it was asked."""

    def __init__(self, connection: Connection, journal: list[str]) -> None:
        super().__init__(connection)
        self.__dict__ |= {
            "journal": journal,
            "asked": [],
            "active": ACTIVE,
            "texts": {},
            "removed": [],
            "failures": {},
            "given_up": None,
        }

    journal: list[str]
    asked: list[tuple[str, Mapping[str, Any]]]
    active: str
    texts: dict[str, str]
    removed: list[str]
    failures: dict[str, SilverError]
    given_up: NodeProgramError | None

    def step(self, name: str) -> None:
        self.journal.append(f"{self.connection.node}: {name}")
        if error := self.failures.get(name):
            raise error

    def ask(
        self, command: str, request: Mapping[str, Any], limit: float | None = None
    ) -> dict[str, Any]:
        self.asked.append((command, request))
        self.step(command)
        answers: dict[str, dict[str, Any]] = {
            "settle": {"active": self.active},
            "texts": {"texts": self.texts},
            "secret": {"secret": "hush"},
        }
        return answers.get(command.partition(" ")[0], {})

    def switch(self, request: Mapping[str, Any]) -> Session:
        self.asked.append(("switch", request))
        self.step("switch")
        return FakeSession(self)

    def commands(self) -> list[str]:
        return [command for command, _ in self.asked]


def files(root: Path, text: str) -> None:
    """Lay an app's files, as they are on a node."""
    (root / "src").mkdir(parents=True)
    (root / "app.ini").write_text("ini\n")
    (root / "src/app.py").write_text(f"{text}\n")
    for path, mode in {"app.ini": 0o640, "src/app.py": 0o640, "src": 0o750}.items():
        (root / path).chmod(mode)


def node_update(release: Release, directory: Path, name: str, journal: list[str]) -> NodeUpdate:
    """Return an update of an app with one changed file, on a node that is a directory."""
    www = directory / name
    files(www / ACTIVE, ACTIVE)
    (www / ".staging").mkdir()
    ssh = directory / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != node ]; do shift; done; shift; exec sh -c "$*"\n')
    ssh.chmod(0o755)
    needs = {
        "node": name,
        "active": ACTIVE,
        "disabled": False,
        "base": str(www / ACTIVE),
        "staging": str(www / ".staging/polls.1"),
        "next": NEXT,
        "secret": "digest",
        "config": "",
        "services": [],
        "packages": [],
        "outdated": False,
        "edits": {"changed": [], "added": [], "removed": []},
        "free_bytes": 1_000_000,
    }
    way = Connection(name, "node", (str(ssh),), sudo=False)
    return NodeUpdate(release, FakeNode(way, journal), needs, leader=name == "web1")


@pytest.fixture
def update(tmp_path: Path) -> Update:
    """An update on one node."""
    files(tmp_path / "app", "app")
    # The name of a group that there is: root's.
    release = Release(tmp_path / "app", None, {"name": "x"}, "polls.test")
    return Update(release, [node_update(release, tmp_path, "web1", [])])


@pytest.fixture
def pair(tmp_path: Path) -> Update:
    """An update on two nodes; `journal` has what they did, in order."""
    files(tmp_path / "app", "app")
    release = Release(tmp_path / "app", None, {"name": "x"}, "polls.test", nodes=2)
    journal: list[str] = []
    names = ("web1", "web2")
    return Update(release, [node_update(release, tmp_path, name, journal) for name in names])


@pytest.fixture
def fake(update: Update) -> FakeNode:
    return fakes(update)[0]


def fakes(update: Update) -> list[FakeNode]:
    return [each.node for each in update.nodes if isinstance(each.node, FakeNode)]


def journal(update: Update) -> list[str]:
    return fakes(update)[0].journal


@pytest.fixture(autouse=True)
def any_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave owners alone, which only root may change, to groups that there are."""
    rsync = transfer.Transfer._rsync

    def as_mine(self: transfer.Transfer, options: list[str], remote: str) -> str:
        return rsync(replace(self, group=str(os.getgid())), options, remote)

    monkeypatch.setattr(transfer.Transfer, "_rsync", as_mine)


def needing(update: Update, number: int = 0, **needs: Any) -> Update:
    """Return the update where one of the nodes has said something else."""
    nodes = list(update.nodes)
    nodes[number] = replace(nodes[number], needs={**nodes[number].needs, **needs})
    return replace(update, nodes=nodes)


def giving(update: Update, config: Path) -> Update:
    """Return the update with a deployment configuration."""
    release = replace(update.release, config=config)
    nodes = [replace(each, release=release) for each in update.nodes]
    return replace(update, release=release, nodes=nodes)


def unchanged(update: Update) -> Update:
    (update.release.directory / "src/app.py").write_text(f"{ACTIVE}\n")
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
    assert (request["instance"], request["leader"], request["nodes"]) == (NEXT, True, 1)
    assert request["staging"] == "polls.1"
    assert request["expected"] == ACTIVE
    assert request["config"] is False
    assert request["revisions"] == []
    assert (Path(update.nodes[0].needs["staging"]) / "src/app.py").read_text() == "app\n"


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
    given = giving(unchanged(update), config)
    assert given.run(force=False)["changed"] is True
    staged = Path(f"{update.nodes[0].needs['staging']}.config/secret.ini")
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
    assert not Path(update.nodes[0].needs["staging"]).exists()


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


@pytest.mark.parametrize("free", [1, -250_000_000], ids=["all but full", "reserve used up"])
def test_an_upload_that_would_fill_the_disk_is_refused(
    update: Update, fake: FakeNode, free: int
) -> None:
    with pytest.raises(SilverError, match="only 0 MB left"):
        needing(update, free_bytes=free).run(force=False)
    assert fake.asked == []


def test_edits_on_the_server_that_get_lost_are_a_warning(update: Update) -> None:
    edits = {"changed": ["src/app.py"], "added": ["same.py"], "removed": []}
    (warning,) = needing(update, edits=edits).run(force=False)["warnings"]
    assert warning.startswith(f"{ACTIVE} was edited on the server (src/app.py):")
    assert needing(update, edits=None).run(force=False)["warnings"] == []


def test_many_edits_are_counted(update: Update) -> None:
    for number in range(5):
        (update.release.directory / f"x{number}").write_text("new")
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
    fake.failures["tried"] = SilverError("web1: the application could not be imported")
    with pytest.raises(SilverError, match="could not be imported"):
        update.run(force=False)
    assert fake.commands() == ["switch"]


def test_a_rewritten_file_is_uploaded_as_such(update: Update) -> None:
    library = update.release.directory / "lib/python"
    library.mkdir(parents=True)
    (update.release.directory / "src/pkg").mkdir()
    (library / "pkg.pth").write_text(f"{update.release.directory}/src/pkg\n")
    update.run(force=False)
    assert (
        Path(update.nodes[0].needs["staging"]) / "lib/python/pkg.pth"
    ).read_text() == "../../src/pkg\n"
    assert (library / "pkg.pth").read_text() == f"{update.release.directory}/src/pkg\n"


def refused(update: Update, number: int, step: str, text: str = "no") -> str:
    """Run an update in which a node fails; return what it says."""
    fakes(update)[number].failures[step] = NodeProgramError(f"web{number + 1}: {text}", "trace")
    with pytest.raises(NodeProgramError) as caught:
        update.run(force=False)
    assert caught.value.output == "trace"
    return str(caught.value)


def test_all_nodes_of_a_set_try_before_any_serves_and_the_first_serves_last(pair: Update) -> None:
    result = pair.run(force=False)
    assert journal(pair) == [
        *("web1: switch", "web1: tried", "web2: switch", "web2: tried"),
        *("web2: serve", "web1: serve"),
    ]
    assert result["msg"].splitlines() == [
        "uploaded 1 file, 0.0 kB, to 2 nodes",
        f"http://polls.test/ is served by {NEXT}, prev.polls.test by {ACTIVE}"
        " (web1, node; web2, node)",
    ]
    requests = [request for each in fakes(pair) for _, request in each.asked]
    assert [each["leader"] for each in requests] == [True, False]
    assert [each["nodes"] for each in requests] == [2, 2]


def test_an_instance_has_one_name_on_all_nodes(pair: Update) -> None:
    needing(pair, 1, next="polls.20261122_010").run(force=False)
    names = {request["instance"] for each in fakes(pair) for _, request in each.asked}
    assert names == {"polls.20261122_010"}


@pytest.mark.parametrize("differs", [True, False], ids=["in its files", "in what it serves"])
def test_a_node_that_differs_has_the_whole_set_updated(pair: Update, differs: bool) -> None:
    same = unchanged(pair)
    if differs:
        (Path(same.nodes[1].needs["base"]) / "src/app.py").write_text("old\n")
    else:
        same = needing(same, 1, active="polls.20261101_007")
    assert same.run(force=False)["changed"] is True
    assert journal(same)[-2:] == ["web2: serve", "web1: serve"]


def test_a_set_of_which_nothing_differs_is_left_alone(pair: Update) -> None:
    assert unchanged(pair).run(force=False)["changed"] is False
    assert journal(pair) == []


def test_looking_at_a_set_tells_on_which_nodes_something_differs(pair: Update) -> None:
    same = replace(unchanged(pair), check=True)
    assert same.run(force=False)["msg"] == "polls.test: an update would change nothing"
    (Path(same.nodes[1].needs["base"]) / "src/app.py").write_text("old\n")
    assert same.run(force=False)["msg"] == "polls.test would be updated (files: 1 changed) on web2"


def test_where_the_first_node_refuses_the_others_are_not_even_begun(pair: Update) -> None:
    assert refused(pair, 0, "tried") == "web1: no"
    assert journal(pair) == ["web1: switch", "web1: tried", "web2: abandon polls.1"]


def test_where_another_node_refuses_the_first_gives_up(pair: Update) -> None:
    assert refused(pair, 1, "tried") == "web2: no"
    assert journal(pair)[-2:] == ["web2: tried", "web1: refuse"]


def test_what_the_first_node_tells_of_the_data_is_passed_on(pair: Update) -> None:
    told = "web1: another node of the set did not come as far\nthe data was not put back"
    fakes(pair)[0].__dict__["given_up"] = NodeProgramError(told, data_changed=True)
    assert refused(pair, 1, "tried") == "web2: no\nthe data was not put back"


def test_where_another_node_cannot_serve_the_first_does_not(pair: Update) -> None:
    assert refused(pair, 1, "serve") == "web2: no"
    assert journal(pair)[-2:] == ["web2: serve", "web1: refuse"]


@pytest.mark.parametrize("active", [ACTIVE, ""], ids=["a later update", "the first update"])
def test_where_the_first_node_cannot_serve_the_others_go_back(pair: Update, active: str) -> None:
    update = needing(pair, 1, active=active)
    assert refused(update, 0, "serve") == "web1: no"
    command, request = fakes(update)[1].asked[-1]
    assert command == ("activate" if active else "deactivate")
    assert request == {"locations": ["polls.test"]} | ({"instance": ACTIVE} if active else {})


def test_a_node_that_cannot_go_back_is_named_with_what_it_needs(pair: Update) -> None:
    fakes(pair)[1].failures["activate"] = NodeProgramError("web2: the connection was lost")
    assert refused(pair, 0, "serve").splitlines() == [
        "web1: no",
        "web2: the connection was lost; web2 serves the new version and the other nodes do not:"
        f" when it answers, ./silver activate polls.test {ACTIVE} --node web2, or run the update"
        " again",
    ]


def test_all_nodes_that_fail_are_told_of(pair: Update, tmp_path: Path) -> None:
    third = node_update(pair.release, tmp_path, "web3", journal(pair))
    trio = replace(pair, nodes=[*pair.nodes, third])
    fakes(trio)[2].failures["tried"] = NodeProgramError("web3: no either")
    assert sorted(refused(trio, 1, "tried").splitlines()) == ["web2: no", "web3: no either"]


@pytest.mark.parametrize(
    ("actives", "source"),
    [(("", ""), "web1"), (("", ACTIVE), "web2"), ((ACTIVE, ACTIVE), "web1")],
    ids=["nobody served yet", "a node that is new", "nodes that were alone"],
)
def test_the_nodes_of_a_set_have_one_secret(
    pair: Update, actives: tuple[str, str], source: str
) -> None:
    update = needing(needing(pair, 0, active=actives[0]), 1, active=actives[1], secret="other")
    update.run(force=True)
    asked = [
        (fake.connection.node, request)
        for fake in fakes(update)
        for command, request in fake.asked
        if command == "secret"
    ]
    assert sorted(asked, key=lambda each: len(each[1])) == [
        (source, {"app": "x"}),
        ("web2" if source == "web1" else "web1", {"app": "x", "secret": "hush"}),
    ]


def test_a_failed_upload_is_abandoned_on_every_node(
    pair: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = transfer.Transfer.upload

    def fail_once(self: transfer.Transfer, remote: str, base: str) -> None:
        if "web2" in remote:
            raise TransferError("no room")
        upload(self, remote, base)

    monkeypatch.setattr(transfer.Transfer, "upload", fail_once)
    with pytest.raises(SilverError, match="no room"):
        pair.run(force=False)
    assert sorted(journal(pair)) == ["web1: abandon polls.1", "web2: abandon polls.1"]


def test_an_interrupted_update_of_a_set_says_how_it_ended_on_each_node(pair: Update) -> None:
    assert pair.settle() == (
        f"polls.test is served by {ACTIVE} as before, and nothing of the upload is left"
    )
    fakes(pair)[1].__dict__["active"] = NEXT
    assert pair.settle().splitlines()[1] == (
        f"web2: polls.test is served by {NEXT}: it was too late to stop the update"
    )
    fakes(pair)[1].failures["settle"] = SilverError("web2: no answer within 20 s")
    assert "could not be asked what became of the update (web2: no answer" in pair.settle()
