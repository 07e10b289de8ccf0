"""PostGIS for applications in development, with an engine and playbooks that are made up."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from silverlining import files, paths, playbook
from silverlining.develop import devel_postgis
from silverlining.develop.devel_postgis import NODE, DevelPostgisError
from silverlining.nodes import engine
from silverlining.nodes.engine import EngineError
from silversupport.service import ServiceError, postgis
from tests.silverlining.cloud import make_node

ADDRESS = "203.0.113.7"


class World:
    """An engine with or without the node, and what was done to it.

    Attributes:
        node: whether the node exists.
        listens: whether PostgreSQL in it listens.
        sets_up: whether it does when its playbook has run.
        done: what was done, in order.
        psql: exit status and output of psql for each call; the last one stays.
        play: the result of every playbook.
    """

    def __init__(self) -> None:
        self.node = self.listens = False
        self.sets_up = True
        self.done: list[str] = []
        self.reports: list[str] = []
        self.psql = [(0, "")]
        self.play = playbook.Result(0, "")
        self.given: dict[str, Mapping[str, str]] = {}

    def list_nodes(self) -> list[Any]:
        """Stand for the driver's method."""
        return [make_node("other"), *([make_node(NODE)] if self.node else [])]

    def run_playbook(self, name: str, extra: Mapping[str, object], report: Any) -> playbook.Result:
        """Do what the playbook would do."""
        self.done.append(name)
        assert extra["node"] == NODE
        if name == "create-node":
            assert extra["group"] == "devel"
            self.node = True
        else:
            self.listens = self.sets_up
        return self.play

    def run_psql(self, driver: Any, node: Any, settings: Mapping[str, str]) -> tuple[int, str]:
        """Answer in the place of psql."""
        self.done.append("psql")
        self.given[settings["CONFIG_PG_DBNAME"]] = settings
        return self.psql.pop(0) if len(self.psql) > 1 else self.psql[0]

    def provide(self, directory: Path, app: str = "polls", **given: str) -> None:
        """Call what is tested."""
        devel_postgis.provide(app, str(directory), given, self.reports.append)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A machine with an engine, and without a PostgreSQL of its own."""
    world = World()

    def no_server(*_: object) -> None:
        raise ServiceError("no PostgreSQL here.")

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(postgis, "provide_local", no_server)
    monkeypatch.setattr(devel_postgis, "DockerNodeDriver", lambda: world)
    monkeypatch.setattr(devel_postgis, "START_LIMIT", 0.3)
    monkeypatch.setattr(devel_postgis, "_answers", lambda node: world.listens)
    monkeypatch.setattr(devel_postgis, "_run_psql", world.run_psql)
    monkeypatch.setattr(playbook, "run_quietly", world.run_playbook)
    return world


def test_the_node_is_made_when_it_is_needed(world: World, tmp_path: Path) -> None:
    world.provide(tmp_path / "polls")
    assert world.done == ["create-node", "devel-postgis", "psql"]
    server, settings = postgis.recorded(str(tmp_path / "polls"))
    assert server == devel_postgis.SERVER
    assert settings == world.given["polls"]
    assert settings["CONFIG_PG_HOST"] == ADDRESS
    assert settings["CONFIG_PG_USER"] == "silver-polls"
    assert world.reports[0].startswith("no PostgreSQL here. Getting the local node")


def test_the_next_time_only_the_database_is_looked_at(world: World, tmp_path: Path) -> None:
    world.provide(tmp_path / "polls")
    password = world.given["polls"]["CONFIG_PG_PASSWORD"]
    world.done, world.reports = [], []
    world.provide(tmp_path / "polls")
    assert (world.done, world.reports) == (["psql"], [])
    assert world.given["polls"]["CONFIG_PG_PASSWORD"] == password
    world.provide(tmp_path / "blog", app="blog")
    assert world.given["blog"]["CONFIG_PG_PASSWORD"] != password


def test_a_node_that_was_stopped_is_started_and_not_set_up_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.node = True
    asked = iter([False, True])
    monkeypatch.setattr(devel_postgis, "_answers", lambda node: next(asked))
    world.provide(tmp_path / "polls")
    assert world.done == ["create-node", "psql"]


def test_a_node_that_was_never_finished_is_set_up(world: World, tmp_path: Path) -> None:
    world.node = True
    world.provide(tmp_path / "polls")
    assert world.done == ["create-node", "devel-postgis", "psql"]


def test_a_server_that_recovers_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.psql = [(2, "the database system is starting up"), (0, "")]
    world.provide(tmp_path / "polls")
    assert world.done[-2:] == ["psql", "psql"]


@pytest.mark.parametrize(
    ("circumstances", "message"),
    [
        ({"psql": [(3, "ERROR: full")]}, r"polls cannot be made .*\n  ERROR: full"),
        ({"psql": [(2, "FATAL: no")]}, r"polls cannot be made .*\n  FATAL: no"),
        ({"play": playbook.Result(2, "fatal: full")}, r"cannot be made ready .*\n  fatal: full"),
        ({"sets_up": False}, f"does not answer .* silver destroy-node {NODE}"),
    ],
)
def test_what_fails_is_said_and_not_recorded(
    world: World, tmp_path: Path, circumstances: dict[str, Any], message: str
) -> None:
    vars(world).update(circumstances)
    with pytest.raises(DevelPostgisError, match=message):
        world.provide(tmp_path / "polls")
    assert postgis.recorded(str(tmp_path / "polls"))[0] is None


def test_ctrl_c_during_a_playbook_ends_it(world: World, tmp_path: Path) -> None:
    world.play = playbook.Result(playbook.INTERRUPTED, "")
    with pytest.raises(KeyboardInterrupt):
        world.provide(tmp_path / "polls")


def test_what_the_user_set_is_enough(world: World, tmp_path: Path) -> None:
    world.provide(tmp_path / "polls", CONFIG_PG_HOST="db")
    assert (world.done, world.reports) == ([], [])
    world.provide(tmp_path / "polls", CONFIG_FILES="/srv/files")
    assert "psql" in world.done


def test_the_server_of_this_machine_is_enough(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(postgis, "provide_local", lambda app, directory: asked.append(app))
    world.provide(tmp_path / "polls")
    assert (asked, world.done) == (["polls"], [])


def test_data_on_the_server_of_this_machine_stay_there(world: World, tmp_path: Path) -> None:
    postgis.record(str(tmp_path / "polls"), postgis.LOCAL, {})
    world.provide(tmp_path / "polls")
    assert world.done == []


def test_data_in_the_node_stay_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.provide(tmp_path / "polls")
    monkeypatch.setattr(postgis, "provide_local", lambda *_: pytest.fail("moves"))
    world.provide(tmp_path / "polls")


def no_engine() -> None:
    raise EngineError("No Docker engine answers")


def test_without_any_way_the_message_names_all_of_them(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devel_postgis, "DockerNodeDriver", no_engine)
    monkeypatch.setattr(engine, "is_installed", lambda: False)
    monkeypatch.setattr(engine, "ensure", lambda _: pytest.fail("installs"))
    with pytest.raises(DevelPostgisError) as caught:
        world.provide(tmp_path / "polls")
    for words in (
        "polls needs PostGIS: no PostgreSQL here.",
        "sudo apt-get install postgresql-postgis && sudo -u postgres createuser --superuser $USER",
        "sudo apt-get install docker.io",
        "CONFIG_PG_HOST = … under [devel:polls] in ~/.silverlining.conf",
    ):
        assert words in str(caught.value)


def test_an_engine_that_is_installed_is_started(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devel_postgis, "DockerNodeDriver", no_engine)
    monkeypatch.setattr(engine, "is_installed", lambda: True)

    def start(report: Any) -> None:
        monkeypatch.setattr(devel_postgis, "DockerNodeDriver", lambda: world)

    monkeypatch.setattr(engine, "ensure", start)
    world.provide(tmp_path / "polls")
    assert world.done[-1] == "psql"


def test_an_engine_that_cannot_be_started_says_why(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(report: Any) -> None:
        raise EngineError("Type: sudo dockerd &")

    monkeypatch.setattr(devel_postgis, "DockerNodeDriver", no_engine)
    monkeypatch.setattr(engine, "is_installed", lambda: True)
    monkeypatch.setattr(engine, "ensure", fail)
    with pytest.raises(DevelPostgisError, match="And Type: sudo dockerd &"):
        world.provide(tmp_path / "polls")


def test_two_that_begin_at_once_agree_on_the_password(world: World, tmp_path: Path) -> None:
    with files.locked(paths.state_dir() / f"{NODE}.lock"):
        threads = [threading.Thread(target=world.provide, args=(tmp_path / "polls",)) for _ in "12"]
        for thread in threads:
            thread.start()
        while world.reports.count(devel_postgis._WAITING) < len(threads):
            threading.Event().wait(0.01)
    passwords = set()
    for thread in threads:
        thread.join()
        passwords.add(world.given["polls"]["CONFIG_PG_PASSWORD"])
    assert world.done == ["create-node", "devel-postgis", "psql", "psql"]
    assert passwords == {postgis.recorded(str(tmp_path / "polls"))[1]["CONFIG_PG_PASSWORD"]}
