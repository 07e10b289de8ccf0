"""A node in a directory: silver-node's own code, with stand-ins for the programs that it calls."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from silvernode import apps, interrupts
from silvernode.deploy import preparation, trial
from silvernode.deploy import update as deploy
from silvernode.deploy.request import Request, Upload
from silvernode.layout import Layout
from silvernode.routing import registry
from tests.support import front as front_door
from tests.support.front import Front

SETTINGS: dict[str, Any] = {
    "processes": 2,
    "threads": 8,
    "max_connections": 120,
    "keep_instances": 1,
    "warm_seconds": 3600,
    "start_timeout": 2,
    "check_timeout": 1,
    "update_timeout": 5,
    "disk_reserve_mb": 0,
}
PLAN: dict[str, Any] = {
    "name": "hello",
    "runner": "src/app.py",
    "services": {},
    "packages": [],
    "update_fetch": [],
    "check_url": None,
}


class Site(ThreadingHTTPServer):
    """What every instance answers, and how it was asked."""

    def __init__(self) -> None:
        super().__init__(("", 0), _Handler)
        self.statuses: dict[str, int] = {}
        self.hang = threading.Event()
        self.asked: list[tuple[str, dict[str, str]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.send_response(self.server.statuses.get(self.path, 200))
        self.end_headers()
        while self.path == "/endless" and not self.server.hang.wait(0.05):
            self.wfile.write(b"more")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Node:
    """A node to deploy to, and what its stand-ins for systemd and Varnish have come to.

    Attributes:
        layout: its paths.
        fake: where the stand-ins keep what they know.
    """

    def __init__(self, layout: Layout, fake: Path, site: Site) -> None:
        self.layout, self.fake, self.site = layout, fake, site

    def prepare(self, location: str = "hello.test", **plan: Any) -> dict[str, Any]:
        return preparation.prepare(self.layout, self.request(location, **plan), check=False)

    def request(self, location: str = "hello.test", **plan: Any) -> Request:
        return Request({**PLAN, **plan}, location, "ann@laptop")

    def upload(self, app: str = "hello", **files: str) -> str:
        """Put files into a new upload; its name."""
        number = len(list(self.layout.staging.iterdir())) + 1
        upload = self.layout.staging / f"{app}.{2_000_000_000_000_000_000 + number}"
        for name, text in {"app.ini": "", **files}.items():
            path = upload / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return upload.name

    def deploy(
        self, location: str = "hello.test", files: dict[str, str] | None = None, **plan: Any
    ) -> str:
        """Deploy an app; the new instance."""
        needs = self.prepare(location, **plan)
        upload = self.upload(plan.get("name", "hello"), **(files or {}))
        answer = deploy.switch(
            self.layout, self.request(location, **plan), Upload(upload, needs["active"])
        )
        assert answer["warnings"] == []
        return str(answer["instance"])

    @property
    def routes(self) -> registry.Registry:
        return registry.load(self.layout)

    def running(self) -> set[str]:
        return {path.name for path in (self.fake / "active").iterdir()}

    def enabled(self) -> set[str]:
        return {path.name for path in (self.fake / "enabled").iterdir()}

    def served(self, app: str = "hello") -> set[str]:
        """The instances that Varnish has backends for."""
        label = self.fake / "label" / f"app_{app}"
        return _instances((self.fake / "vcl" / label.read_text().strip()).read_text())

    def calls(self) -> list[str]:
        return (self.fake / "calls").read_text().splitlines()

    def fail(self, command: str) -> None:
        """Have a stand-in fail at a command, such as `vcl.use`."""
        (self.fake / "fail").write_text(command)

    def files(self) -> dict[str, str]:
        """Every file of the node but locks, logs, and VCL that nothing will load again."""
        start = self.layout.vcl / "start.cli"
        loaded = start.read_text() if start.exists() else ""
        return {
            str(path.relative_to(self.layout.root)): self._text(path)
            for top in ("etc", "var", "run/silver")
            for path in (self.layout.root / top).rglob("*")
            if path.is_file()
            and (not path.stem.startswith(("vcl_", "root_")) or path.name in loaded)
        }

    def _text(self, path: Path) -> str:
        """The text of a file; of the registry without the names that are never given again."""
        text = path.read_text()
        if path != self.layout.registry:
            return text
        return json.dumps(
            {key: value for key, value in json.loads(text).items() if key != "numbers"}
        )

    def state(self) -> tuple[dict[str, str], set[str], set[str], str]:
        """Everything that a failed deploy must leave as it was."""
        label = self.fake / "label/app_hello"
        moved = label.read_text() if label.exists() else ""
        return self.files(), self.running(), self.enabled(), moved


def _instances(vcl: str) -> set[str]:
    marker = 'X-Silver-Instance = "'
    return {line.partition(marker)[2].rstrip('";') for line in vcl.splitlines() if marker in line}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The paths of a provisioned node to which nothing was deployed."""
    layout = Layout(tmp_path / "node")
    for directory in (layout.vcl, layout.staging, layout.units, layout.instances):
        directory.mkdir(parents=True)
    layout.settings.write_text(json.dumps(SETTINGS))
    (layout.vcl / "apps.vcl").write_text("# policy\n")
    (layout.vcl / "hosts.vcl").write_text("# front\n")
    return layout


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.hang.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def node(layout: Layout, site: Site, monkeypatch: pytest.MonkeyPatch) -> Node:
    fake = layout.root / "fake"
    for name in ("active", "enabled", "vcl", "label"):
        (fake / name).mkdir(parents=True)
    programs = Path(__file__).parent / "bin"
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(fake))
    monkeypatch.setenv("ROOT", str(layout.root))
    monkeypatch.setattr(trial, "PORT", site.server_port)
    monkeypatch.setattr(apps, "_group", lambda app: os.getgid())
    monkeypatch.setattr(os, "chown", lambda *args: None)
    monkeypatch.setattr(shutil, "chown", lambda *args: None)
    return Node(layout, fake, site)


@pytest.fixture
def front(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """The front door of a node: a real Varnish."""
    with front_door.running(layout, tmp_path, monkeypatch) as front:
        yield front


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Undo what a test does to this process's signals."""
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
