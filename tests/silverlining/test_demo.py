import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from silverlining import demo, playbook, release
from silverlining.app import libraries
from silverlining.app.locations import Location
from silverlining.demo import DemoError, Site, Steps
from silverlining.nodes import engine, etc_hosts, image
from silverlining.playbook import Result

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """Replace all that needs an engine; return the playbooks that were run."""
    calls: Calls = []

    def run_quietly(name: str, extra: dict[str, Any], report: object) -> Result:
        calls.append((name, extra))
        return Result(0, "demo : ok=3 changed=0 unreachable=0\n")

    monkeypatch.setattr(engine, "ensure", lambda report: False)
    monkeypatch.setattr(engine, "connect", lambda: None)
    monkeypatch.setattr(image, "ensure", lambda client, name, report: False)
    monkeypatch.setattr(playbook, "run_quietly", run_quietly)
    monkeypatch.setattr(playbook, "inventory", lambda: {"demo": {"ansible_host": "10.0.0.2"}})
    monkeypatch.setattr(playbook, "read_file", lambda node, path: b'{"digest": "same"}')
    monkeypatch.setattr(release, "digest", lambda: "same")
    monkeypatch.setattr(libraries, "fill", lambda path: False)
    monkeypatch.setattr(demo, "_HOSTS", tmp_path / "hosts")
    monkeypatch.setattr(demo, "fetch", lambda location, address: Site(location, address, 200))
    (tmp_path / "hosts").write_text("")
    return calls


def test_a_second_demo_provisions_nothing_and_says_so(
    played: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.run()
    played.clear()
    capsys.readouterr()
    assert demo.run() == 0
    assert played == [
        ("create-node", {"node": "demo", "if_not_exists": True}),
        ("deploy", {"app": "hello", "node": "demo"}),
        ("deploy", {"app": "questioner", "node": "demo"}),
        ("deploy", {"app": "places", "node": "demo"}),
    ]
    out = capsys.readouterr().out
    assert "Nothing was changed." in out
    assert "http://hello.test/  10.0.0.2  200\n" in out


@pytest.mark.parametrize("note", [None, b"{}", b'{"digest": "old"}'])
def test_a_node_of_another_release_is_provisioned(
    played: Calls, monkeypatch: pytest.MonkeyPatch, note: bytes | None
) -> None:
    monkeypatch.setattr(playbook, "read_file", lambda node, path: note)
    demo.run()
    assert played[1] == ("provision", {"node": "demo"})


def test_names_are_added(played: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    demo.run()
    assert "10.0.0.2\tplaces.test\t# silver demo\n" in demo._HOSTS.read_text()
    assert "Nothing was changed." not in capsys.readouterr().out


def test_names_that_may_not_be_added_are_told_and_no_failure(
    played: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise etc_hosts.NotWritableError("no", ["10.0.0.2 hello.test"])

    monkeypatch.setattr(etc_hosts, "update", refuse)
    assert demo.run() == 0
    assert "as root:\n10.0.0.2 hello.test\n" in capsys.readouterr().out


def test_one_site_that_does_not_answer_200_fails_the_demo(
    played: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(location: Location, address: str) -> Site:
        return Site(location, address, 503 if location.host == "places.test" else 200)

    monkeypatch.setattr(demo, "fetch", fetch)
    assert demo.run() == 1
    assert "http://places.test/  10.0.0.2  503\n" in capsys.readouterr().out


def test_a_step_that_fails_shows_what_its_playbook_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(playbook, "run_quietly", lambda *_: Result(2, "fatal: [odd] it broke\n"))
    out = io.StringIO()
    with pytest.raises(DemoError, match="Deploy hello failed"):
        Steps(verbose=False, console=Console(file=out)).play("Deploy hello", "deploy", {})
    assert "fatal: [odd] it broke" in out.getvalue()
    assert "Deploy hello                             failed" in out.getvalue()


def test_destroy_removes_the_node(played: Calls) -> None:
    assert demo.destroy() == 0
    assert played == [("destroy-node", {"node": "demo"})]


class Answer(BaseHTTPRequestHandler):
    """Answers 200 to the one right request, 404 to others."""

    def do_GET(self) -> None:
        right = (self.headers["Host"], self.path) == ("a.test", "/blog/")
        self.send_response(200 if right else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as httpd:
        Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.mark.parametrize(("location", "status"), [("a.test/blog", 200), ("b.test/blog", 404)])
def test_a_fetch_is_a_visitors(
    server: str, location: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert demo.fetch(Location.parse(location), server).status == status


def test_a_node_that_does_not_answer_is_told() -> None:
    site = demo.fetch(Location.parse("a.test"), "127.0.0.1:9")
    assert str(site).startswith("http://a.test/  127.0.0.1:9  ConnectionError: ")
