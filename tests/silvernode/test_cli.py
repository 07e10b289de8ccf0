"""The command silver-node: JSON in, JSON out, and an exit status that tells the truth."""

import io
import json
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from silverlining.polling import wait_until
from silvernode import cli
from silvernode.deploy import agreement
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.routing import registry
from silversupport import VERSION
from tests.silvernode.conftest import PLAN, Node

Run = Any


def request(**changes: object) -> dict[str, object]:
    asked = {"version": VERSION, "owner": "ann@laptop", "plan": PLAN, "location": "hello.test"}
    return {**asked, "check": False, **changes}


@pytest.fixture
def run(layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with a request on its standard input; its exit status and its answer."""

    def run(*argv: str, stdin: object = None, word: str = "") -> tuple[int, dict[str, Any]]:
        data = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
        data += f"\n{word}".encode() if word else b""
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        status = cli.main(argv, layout)
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_a_deploy_by_command(node: Node, run: Run) -> None:
    status, needs = run("prepare", stdin=request())
    assert (status, needs["active"]) == (0, "")
    switch = request(staging=node.upload(), expected="")
    status, answer = run("switch", stdin=switch, word="serve\n")
    assert (status, answer["warnings"]) == (0, [])
    texts = request(instance=answer["instance"], paths=["app.ini"])
    assert run("texts", stdin=texts) == (0, {"texts": {"app.ini": ""}})
    settled = run("settle", stdin=request(staging=node.upload()))
    assert settled == (0, {"active": answer["instance"], "told": []})
    status, answer = run("query")
    assert answer["locations"]["hello.test"]["app"] == "hello"
    assert answer["version"] == VERSION


def test_a_failure_is_an_answer_with_the_apps_output(node: Node, run: Run) -> None:
    run("prepare", stdin=request())
    switch = request(staging=node.upload(broken="Traceback: no fish"), expected="")
    assert run("switch", stdin=switch) == (
        1,
        {
            "failed": True,
            "msg": "the application could not be imported",
            "output": "Traceback: no fish",
            "data_changed": False,
        },
    )


@pytest.mark.parametrize("word", ["", "no\n", "serv"])
def test_without_the_word_of_whoever_updates_the_set_nothing_is_served(
    node: Node, run: Run, word: str
) -> None:
    node.deploy()
    before = node.state()
    switch = request(staging=node.upload(), expected=node.routes.active("hello.test"))
    status, answer = run("switch", stdin=switch, word=word)
    assert (status, answer["msg"]) == (1, "another node of the set did not come as far")
    assert node.state() == before


def test_a_node_does_not_wait_for_ever_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = SimpleNamespace(buffer=SimpleNamespace(readline=signal.pause))
    monkeypatch.setattr(sys, "stdin", silence)
    monkeypatch.setattr(agreement, "LIMIT", 1)
    with pytest.raises(NodeError, match="nobody said within 1 s"):
        agreement.ask("hello.20261122_001")


def test_a_secret_is_shared_by_the_nodes_of_a_set(node: Node, run: Run) -> None:
    node.deploy()
    digest = node.prepare()["secret"]
    _, told = run("secret", stdin=request(app="hello"))
    assert sha256(told["secret"].encode()).hexdigest() == digest
    assert run("secret", stdin=request(app="hello", secret="other")) == (0, {"secret": "other"})
    assert node.prepare()["secret"] == sha256(b"other").hexdigest()
    assert node.layout.data("secret", "hello").stat().st_mode & 0o777 == 0o440


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (request(version="0.0.9"), f"set up by Silver Lining {VERSION}, this is 0.0.9"),
        (b"", "not a request"),
        (b"{", "not a request"),
        (b"\xff\xfe", "not a request"),
        ([], "not a request"),
        ({}, "not a request: KeyError('version')"),
        ({"version": VERSION}, "it lacks check, location, owner, plan"),
        (request(location="h.test; rm"), "not an app and a location"),
    ],
)
def test_a_bad_request_is_one_clear_line(run: Run, stdin: object, message: str) -> None:
    status, answer = run("prepare", stdin=stdin)
    assert status == 1
    assert message in answer["msg"]
    assert "\n" not in answer["msg"]


@pytest.mark.parametrize("argv", [[], ["explode"], ["rest"], ["query", "extra"]])
def test_a_wrong_command_shows_the_usage(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    assert "usage: silver-node" in capsys.readouterr().err


def test_a_full_disk_is_one_clear_line(
    node: Node, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "/var/x")

    monkeypatch.setattr(os, "fsync", fail)
    status, answer = run("prepare", stdin=request())
    assert status == 1
    assert "disk is full; make room" in answer["msg"]
    assert "/var/x" in answer["msg"]


def test_refresh_applies_a_new_policy_once(node: Node, run: Run) -> None:
    node.deploy()
    assert run("refresh") == (0, {"changed": False, "warnings": []})
    (node.layout.vcl / "apps.vcl").write_text("# new\n")
    assert run("refresh") == (0, {"changed": True, "warnings": []})
    assert run("refresh") == (0, {"changed": False, "warnings": []})


@pytest.mark.parametrize("damage", [None, "", "{", "[]"])
def test_rebuild_makes_a_lost_registry_again(node: Node, run: Run, damage: str | None) -> None:
    node.deploy("other.test/blog")
    for _ in range(3):
        node.deploy()
    before = node.routes
    node.layout.registry.unlink()
    if damage is not None:
        node.layout.registry.write_text(damage)
    assert run("rebuild")[0] == 0
    assert registry.load(node.layout) == before
    assert node.deploy() in node.served()


def test_rebuild_keeps_what_is_disabled_or_says_that_it_cannot(node: Node, run: Run) -> None:
    node.deploy()
    registry.save(node.layout, node.routes.with_disabled(["hello"]))
    assert run("rebuild")[1]["warnings"] == []
    assert node.routes.is_disabled("hello.test")
    node.layout.registry.write_text("{")
    status, answer = run("rebuild")
    assert (status, node.routes.is_disabled("hello.test")) == (0, False)
    assert "nobody could tell what was disabled" in answer["warnings"][0]


def test_rebuild_refuses_to_guess_what_a_damaged_record_said(node: Node, run: Run) -> None:
    active = node.deploy()
    node.layout.registry.unlink()
    (node.layout.instances / f"{active}.json").write_text("{")
    status, answer = run("rebuild")
    assert (status, node.layout.registry.exists()) == (1, False)
    assert f"{active}.json is damaged" in answer["msg"]
    assert node.served() == {active}


def test_rest_and_abandon_take_a_name(node: Node, run: Run) -> None:
    first, _ = node.deploy(), node.deploy()
    assert run("rest", first) == (0, {"changed": True})
    upload = node.upload()
    assert run("abandon", upload) == (0, {})
    assert not (node.layout.staging / upload).exists()
    assert run("abandon", "../hello")[0] == 1


COMMAND = """
import sys
from pathlib import Path
from silvernode import cli
from silvernode.layout import Layout
sys.exit(cli.main([sys.argv[2]], Layout(Path(sys.argv[1]))))
"""


def test_the_work_is_done_even_if_nobody_reads_the_answer(node: Node) -> None:
    node.deploy()
    (node.layout.vcl / "apps.vcl").write_text("# new\n")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", COMMAND, str(node.layout.root), "refresh"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert "# new" in (node.layout.vcl / "apps.vcl").read_text()
    assert len(list((node.fake / "vcl").glob("vcl_hello_*"))) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_is_a_failure_that_names_it(node: Node, number: signal.Signals) -> None:
    (node.fake / "slow").write_text("")
    slow = Path(node.fake / "bin/varnishadm")
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\necho > {node.fake}/called\nexec sleep 20\n")
    slow.chmod(0o755)
    environment = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", COMMAND, str(node.layout.root), "refresh"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert wait_until((node.fake / "called").exists, 10, pause=0.01)
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert json.loads(output)["msg"] == f"interrupted by {number.name}"
