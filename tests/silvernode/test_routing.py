"""The routes as a real Varnish takes them, with the policy of the role `varnish`."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jinja2
import pytest

from silvernode import settings, varnish, vcl
from silvernode.errors import NodeError
from silvernode.layout import Layout
from silvernode.registry import Registry

VARNISHD = shutil.which("varnishd", path=f"{os.environ['PATH']}:/usr/sbin")
ROLE = Path(__file__).parents[2] / "roles/varnish/templates/etc/varnish/silver"

pytestmark = pytest.mark.skipif(VARNISHD is None, reason="varnish is not installed here")


class _Echo(BaseHTTPRequestHandler):
    """An instance: answers with what it was asked, and on which address."""

    def do_GET(self) -> None:
        asked = {"address": self.connection.getsockname()[0], "url": self.path}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({**asked, **self.headers}).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Front:
    """A varnishd of one's own.

    Attributes:
        layout: the paths of its node.
        port: where it listens.
    """

    def __init__(self, layout: Layout, port: int) -> None:
        self.layout, self.port = layout, port

    def apply(self, routes: Registry) -> bool:
        changed = varnish.apply(self.layout, routes, settings.load(self.layout))
        varnish.discard_unused(self.layout, routes, settings.load(self.layout))
        return changed

    def get(self, host: str, url: str, **headers: str) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", url, headers={"Host": host, **named})
        return connection.getresponse()

    def asked(self, host: str, url: str, **headers: str) -> dict[str, str]:
        """What an instance saw of a request."""
        response = self.get(host, url, **headers)
        assert response.status == 200, response.read()
        answer: dict[str, str] = json.load(response)
        return answer


@pytest.fixture
def front(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    _render_policy(layout)
    port, backend = _free_port(), _free_port()
    # The instances' port is fixed, and may be taken on the machine of the tests.
    text = vcl._backend
    monkeypatch.setattr(vcl, "_backend", lambda *args: text(*args).replace("8080", str(backend)))
    instances = ThreadingHTTPServer(("", backend), _Echo)
    threading.Thread(target=instances.serve_forever, args=(0.01,), daemon=True).start()
    work = Path("/tmp") / f"silver-varnish-{os.getpid()}"  # Unix sockets have short names.
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
            front = Front(layout, port)
            front.apply(Registry())
            _wait_for(admin, "start")
            yield front
        finally:
            daemon.terminate()
            daemon.wait()
            instances.shutdown()
            instances.server_close()
            shutil.rmtree(work, ignore_errors=True)


ROUTES = Registry(
    addresses={
        "hello.20261122_001": "127.1.0.1",
        "hello.20261122_002": "127.1.0.2",
        "blog.20261122_001": "127.1.0.3",
        "deep.20261122_001": "127.1.0.4",
    }
)
ROUTES = (
    ROUTES.switched("hello.test", "hello", "hello.20261122_001", "")
    .switched("hello.test", "hello", "hello.20261122_002", "")
    .switched("hello.test/blog", "blog", "blog.20261122_001", "")
    .switched("hello.test/blog/v1.0", "deep", "deep.20261122_001", "")
)


def test_requests_find_their_instance(front: Front) -> None:
    front.apply(ROUTES)
    for host, url, address, seen in [
        ("hello.test", "/", "127.1.0.2", "/"),
        ("HELLO.test.:80", "/x?y", "127.1.0.2", "/x?y"),
        ("hello.test", "/blogger", "127.1.0.2", "/blogger"),
        ("hello.test", "/blog/", "127.1.0.3", "/"),
        ("hello.test", "/blog/a?b=c", "127.1.0.3", "/a?b=c"),
        ("hello.test", "/blog/v1x0/", "127.1.0.3", "/v1x0/"),
        ("hello.test", "/blog/v1.0/", "127.1.0.4", "/"),
        ("prev.hello.test", "/", "127.1.0.1", "/"),
    ]:
        answer = front.asked(host, url)
        assert (answer["address"], answer["url"]) == (address, seen), (host, url)
        assert answer["X-Silver-Host"] == "hello.test"


def test_a_prefix_without_its_slash_is_redirected(front: Front) -> None:
    front.apply(ROUTES)
    for url, target in [("/blog", "/blog/"), ("/blog?a=b", "/blog/?a=b")]:
        response = front.get("hello.test", url)
        assert (response.status, response.getheader("Location")) == (301, target)


def test_hosts_that_nobody_serves_are_not_found(front: Front) -> None:
    front.apply(ROUTES)
    for host in ("other.test", "hello.test.evil.test", "prev.prev.hello.test", ""):
        assert front.get(host, "/").status == 404, host


def test_nobody_outside_can_say_what_the_front_door_says(front: Front) -> None:
    front.apply(ROUTES)
    forged = {
        "X_Silver_Host": "evil.test",
        "X_Silver_Prefix": "/evil",
        "X_Silver_Scheme": "https",
        "X_Silver_Update": "token",
        "X_Silver_Instance": "evil",
    }
    answer = front.asked("hello.test", "/blog/", **forged)
    assert "X-Silver-Update" not in answer
    assert {name: value for name, value in answer.items() if name.startswith("X-Silver")} == {
        "X-Silver-Host": "hello.test",
        "X-Silver-Prefix": "/blog",
        "X-Silver-Scheme": "http",
        "X-Silver-Instance": "blog.20261122_001",
    }


def test_a_switch_moves_one_app_and_is_done_once(front: Front) -> None:
    front.apply(ROUTES)
    after = ROUTES.with_address("hello.20261122_003", "127.1.0.5")
    after = after.switched("hello.test", "hello", "hello.20261122_003", "")
    assert front.apply(after) is True
    assert front.apply(after) is False
    assert front.asked("hello.test", "/")["address"] == "127.1.0.5"
    assert front.asked("prev.hello.test", "/")["address"] == "127.1.0.2"
    assert len(varnish._list()) == 3 * 2 + 1, "what is not needed was discarded"
    files = {path.stem for path in front.layout.vcl.glob("*_*.vcl")}
    assert files == {name for name in varnish._list() if not name.startswith("app_")}


def test_an_app_that_is_taken_away_is_forgotten(front: Front) -> None:
    front.apply(ROUTES)
    kept = {name: route for name, route in ROUTES.locations.items() if route.app != "blog"}
    front.apply(Registry(kept, ROUTES.addresses))
    assert front.asked("hello.test", "/blog/")["address"] == "127.1.0.2"
    assert "app_blog" not in varnish._list()


def test_vcl_that_the_compiler_refuses_changes_nothing(front: Front) -> None:
    front.apply(ROUTES)
    before = varnish._list(), sorted(front.layout.vcl.iterdir())
    damaged = Registry(ROUTES.locations, {**ROUTES.addresses, "hello.20261122_002": "no host"})
    with pytest.raises(NodeError, match=r"vcl\.load") as caught:
        front.apply(damaged)
    assert "compil" in caught.value.output
    assert (varnish._list(), sorted(front.layout.vcl.iterdir())) == before
    assert front.asked("hello.test", "/")["address"] == "127.1.0.2"


def test_a_new_varnishd_comes_up_with_every_route(front: Front, tmp_path: Path) -> None:
    front.apply(ROUTES)
    work = Path("/tmp") / f"silver-varnish-again-{os.getpid()}"
    port = _free_port()
    command = [str(VARNISHD), "-F", "-j", "none", "-n", str(work), "-a", f"127.0.0.1:{port}"]
    command += ["-f", "", "-I", str(front.layout.vcl / "start.cli"), "-s", "malloc,10m"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            again = Front(front.layout, port)
            _wait_until_open(port)
            assert again.asked("hello.test", "/blog/")["address"] == "127.1.0.3"
        finally:
            daemon.terminate()
            daemon.wait()
            shutil.rmtree(work, ignore_errors=True)


def test_hundreds_of_locations_of_one_app_compile_in_seconds(front: Front) -> None:
    routes = ROUTES
    for number in range(300):
        routes = routes.switched(f"z{number}.test", "hello", "hello.20261122_001", "")
        routes = routes.switched(f"z{number}.test", "hello", "hello.20261122_002", "")
    started = time.monotonic()
    front.apply(routes)
    assert time.monotonic() - started < 30, "in one subroutine it is minutes"
    assert front.asked("z299.test", "/")["address"] == "127.1.0.2"
    assert front.asked("prev.z0.test", "/")["address"] == "127.1.0.1"


def _render_policy(layout: Layout) -> None:
    environment = jinja2.Environment(autoescape=False)
    environment.filters["comment"] = lambda text: f"# {text}"
    for name in ("policy.vcl", "front.vcl"):
        template = environment.from_string((ROLE / f"{name}.j2").read_text())
        (layout.vcl / name).write_text(
            template.render(ansible_managed="made by a test", varnish_grace="1h") + "\n"
        )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(admin: Path, command: str) -> None:
    for _ in range(200):
        if subprocess.run([admin, command], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise TimeoutError(f"varnishadm {command} did not succeed")


def _wait_until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
