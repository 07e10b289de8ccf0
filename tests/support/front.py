"""A varnishd of one's own, with the policy of the role `varnish`, and stand-ins for instances."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jinja2
import pytest

from silvernode import settings
from silvernode.layout import Layout
from silvernode.routing import varnish, vcl
from silvernode.routing.registry import Registry

VARNISHD = shutil.which("varnishd", path=f"{os.environ['PATH']}:/usr/sbin")
ROLE = Path(__file__).parents[2] / "roles/varnish/templates/etc/varnish/silver"
PAGE = "127.1.0.9"
"""The address of an instance that has a page, of which the visitor's browser knows no older one."""

VISITOR = "127.0.0.2"
"""Where requests come from that are not made on the node itself: loopback has to do for both."""

_FILES = {"/": "text/html", "/style.css": "text/css", "/about.html": "text/html; charset=utf-8"}


class _Instance(BaseHTTPRequestHandler):
    """An instance: answers with what it was asked, and on which address."""

    def do_GET(self) -> None:
        address = self.connection.getsockname()[0]
        length = int(self.headers.get("Content-Length", 0))
        asked = {"address": address, "url": self.path, "method": self.command}
        asked["body"] = self.rfile.read(length).decode()
        if address == PAGE:
            self._answer_page(asked)
            return
        self.send_response(200)
        if self.path.startswith("/cached"):
            self.send_header("Cache-Control", "max-age=60")
        self.end_headers()
        self.wfile.write(json.dumps({**asked, **self.headers}).encode())

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def _answer_page(self, asked: dict[str, str]) -> None:
        broken = self.server.broken  # type: ignore[attr-defined]
        if self.headers.get("If-None-Match"):
            self.send_response(304)
            self.end_headers()
        elif self.path not in _FILES or broken:
            self.send_response(500 if broken else 404)
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Type", _FILES[self.path])
            self.send_header("Set-Cookie", "page=1")
            self.send_header("Cache-Control", "max-age=60")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(json.dumps({**asked, **self.headers}).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Front:
    """The front door of a node.

    Attributes:
        layout: the paths of its node.
        port: where it listens.
        instances: what answers as every instance; the one at `PAGE` fails while it is `broken`.
    """

    def __init__(self, layout: Layout, port: int, instances: ThreadingHTTPServer) -> None:
        self.layout, self.port, self.instances = layout, port, instances

    def apply(self, routes: Registry) -> bool:
        """Bring Varnish to what routes say."""
        changed = varnish.apply(self.layout, routes, settings.load(self.layout))
        varnish.discard_unused(self.layout, routes, settings.load(self.layout))
        return changed

    def ask(
        self, host: str, url: str, method: str = "GET", body: str = "", **headers: str
    ) -> HTTPResponse:
        """Ask as a visitor does."""
        return self._ask(VISITOR, host, url, method, body, **headers)

    def ask_on_the_node(self, host: str, url: str, method: str = "GET") -> HTTPResponse:
        """Ask as somebody does who is on the node."""
        return self._ask("127.0.0.1", host, url, method, "")

    def asked(self, host: str, url: str, **headers: str) -> dict[str, str]:
        """What an instance saw of a visitor's request."""
        response = self.ask(host, url, **headers)
        if response.status != 200:
            raise AssertionError(response.status, response.read())
        answer: dict[str, str] = json.load(response)
        return answer

    def _ask(
        self, source: str, host: str, url: str, method: str, body: str, **headers: str
    ) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, url, body or None, headers={"Host": host, **named})
        return connection.getresponse()


@contextmanager
def running(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """Run a varnishd that serves nothing yet."""
    _render_policy(layout)
    port, backend = free_port(), free_port()
    # The instances' port is fixed, and may be taken on the machine of the tests.
    text = vcl._backend
    monkeypatch.setattr(vcl, "_backend", lambda *args: text(*args).replace("8080", str(backend)))
    instances = ThreadingHTTPServer(("", backend), _Instance)
    instances.broken = False  # type: ignore[attr-defined]
    threading.Thread(target=instances.serve_forever, args=(0.01,), daemon=True).start()
    work = Path(tempfile.mkdtemp(prefix="silver-"))  # Unix sockets have short names.
    admin = tmp_path / "bin/varnishadm"
    admin.parent.mkdir()
    admin.write_text(f'#!/bin/sh\nexec /usr/bin/varnishadm -n {work} "$@"\n')
    admin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{admin.parent}:{os.environ['PATH']}")
    command = [str(VARNISHD), "-F", "-j", "none", "-n", str(work), "-a", f"127.0.0.1:{port}"]
    command += ["-T", "127.0.0.1:0", "-f", "", "-s", "malloc,10m"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            _wait_for(admin, "ping")
            front = Front(layout, port, instances)
            front.apply(Registry())
            _wait_for(admin, "start")
            yield front
        finally:
            daemon.terminate()
            daemon.wait()
            instances.shutdown()
            instances.server_close()
            shutil.rmtree(work, ignore_errors=True)


def free_port() -> int:
    """Return a port that no connection uses, at any address."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def _render_policy(layout: Layout) -> None:
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - it is VCL
    environment.filters["comment"] = lambda text: f"# {text}"
    for name in ("apps.vcl", "hosts.vcl"):
        template = environment.from_string((ROLE / f"{name}.j2").read_text())
        text = template.render(ansible_managed="made by a test", varnish_grace="1h") + "\n"
        (layout.vcl / name).write_text(text.replace('"127.0.0.0"/8', '"127.0.0.1"'))


def _wait_for(admin: Path, command: str) -> None:
    for _ in range(200):
        if subprocess.run([admin, command], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise TimeoutError(f"varnishadm {command} did not succeed")
