"""The routes as a real Varnish takes them, with the policy of the role `varnish`."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from silvernode.errors import NodeError
from silvernode.routing import varnish
from silvernode.routing.registry import Registry
from tests.support.front import PAGE, VARNISHD, Front, free_port

pytestmark = pytest.mark.skipif(VARNISHD is None, reason="varnish is not installed here")

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
        response = front.ask("hello.test", url)
        assert (response.status, response.getheader("Location")) == (301, target)


SPECIAL = (
    Registry(
        addresses={
            "hello.20261122_001": "127.1.0.1",
            "users.20261122_001": "127.1.0.2",
            "users.20261122_002": "127.1.0.3",
            "deep.20261122_001": "127.1.0.4",
            "any.20261122_001": "127.1.0.5",
            "page.20261122_001": PAGE,
        }
    )
    .switched("h.test", "hello", "hello.20261122_001", "")
    .switched("a.h.test/own", "hello", "hello.20261122_001", "")
    .switched("www.b.test/x", "hello", "hello.20261122_001", "")
    .switched("b.test", "hello", "hello.20261122_001", "")
    .switched("*.h.test", "users", "users.20261122_001", "")
    .switched("*.h.test", "users", "users.20261122_002", "")
    .switched("*.h.test/deep", "deep", "deep.20261122_001", "")
    .switched("*.x.h.test", "deep", "deep.20261122_001", "")
)


def test_the_most_specific_location_wins_and_an_app_is_told_which_host_was_asked_for(
    front: Front,
) -> None:
    front.apply(SPECIAL)
    for host, url, address, seen, told in [
        ("h.test", "/", "127.1.0.1", "/", "h.test"),
        ("ann.h.test", "/x", "127.1.0.3", "/x", "ann.h.test"),
        ("ANN.h.test:80", "/deep/x", "127.1.0.4", "/x", "ann.h.test"),
        ("ann.h.test", "/deeper", "127.1.0.3", "/deeper", "ann.h.test"),
        ("a.b.h.test", "/", "127.1.0.3", "/", "a.b.h.test"),
        ("x.h.test", "/", "127.1.0.3", "/", "x.h.test"),
        ("b.x.h.test", "/", "127.1.0.4", "/", "b.x.h.test"),
        ("prev.ann.h.test", "/", "127.1.0.2", "/", "ann.h.test"),
        # What an exact host has no location for is left to the pattern.
        ("a.h.test", "/own/", "127.1.0.1", "/", "a.h.test"),
        ("a.h.test", "/owner", "127.1.0.3", "/owner", "a.h.test"),
    ]:
        answer = front.asked(host, url)
        found = (answer["address"], answer["url"], answer["X-Silver-Host"], answer["host"])
        assert found == (address, seen, told, told), (host, url)
        assert "X-Silver-Previous" not in answer


ODD_HOSTS = ["..", "a..h.test", "../../etc.h.test", "a/b.h.test", "a%2f.h.test", "-a.h.test"]
ODD_HOSTS += ["a_b.h.test", ".h.test", "prev.prev.ann.h.test", "a b.h.test", f"{'a' * 64}.h.test"]


@pytest.mark.parametrize("everything", [False, True])
def test_a_host_that_cannot_be_one_reaches_no_app(front: Front, everything: bool) -> None:
    routes = SPECIAL.switched("not-found", "page", "page.20261122_001", "")
    if everything:
        routes = routes.switched("default", "any", "any.20261122_001", "")
    front.apply(routes)
    for host in ODD_HOSTS:
        response = front.ask(host, "/")
        assert response.status in (400, 404), host
        assert b"127.1.0" not in response.read(), host


def test_default_has_what_no_other_location_has(front: Front) -> None:
    front.apply(SPECIAL.switched("default", "any", "any.20261122_001", ""))
    for host, address in [
        ("other.test", "127.1.0.5"),
        ("172.17.0.3", "127.1.0.5"),
        ("default", "127.1.0.5"),
        ("h.test", "127.1.0.1"),
        ("ann.h.test", "127.1.0.3"),
    ]:
        answer = front.asked(host, "/")
        assert (answer["address"], answer["X-Silver-Host"]) == (address, host)
    assert front.asked("www.b.test", "/x/y")["address"] == "127.1.0.1"
    assert front.ask("prev.other.test", "/").status == 404
    assert front.ask("prev.h.test", "/").status == 404


def test_www_leads_to_the_bare_name(front: Front) -> None:
    front.apply(SPECIAL.switched("default", "any", "any.20261122_001", ""))
    for host, url, method, status, target in [
        ("www.h.test", "/", "GET", 301, "http://h.test/"),
        ("WWW.h.test:80", "/a/b?c=d&e", "GET", 301, "http://h.test/a/b?c=d&e"),
        ("www.h.test", "/a", "HEAD", 301, "http://h.test/a"),
        ("www.h.test", "/a", "POST", 308, "http://h.test/a"),
        ("www.h.test", "/a", "PUT", 308, "http://h.test/a"),
        ("www.h.test", "//evil.test/", "GET", 301, "http://h.test//evil.test/"),
        ("www.h.test", "@evil.test/", "GET", 301, "http://h.test/"),
        ("www.b.test", "/", "GET", 301, "http://b.test/"),
        ("prev.www.h.test", "/a", "GET", 301, "http://prev.h.test/a"),
    ]:
        response = front.ask(host, url, method)
        assert (response.status, response.getheader("Location")) == (status, target), (host, url)
        assert response.getheader("Cache-Control") == "no-store"
    # Only a pattern has it, or nothing: it is a host like any other.
    assert front.asked("www.ann.h.test", "/")["address"] == "127.1.0.3"
    assert front.asked("www.other.test", "/")["address"] == "127.1.0.5"


def test_hosts_that_nobody_serves_show_the_page_of_the_app_at_not_found(front: Front) -> None:
    front.apply(SPECIAL.switched("not-found", "page", "page.20261122_001", ""))
    for url, method, status, seen in [
        ("/", "GET", 404, "/"),
        ("/any/thing?x", "GET", 404, "/"),
        ("/style.css", "GET", 200, "/style.css"),
        ("/about.html", "GET", 404, "/about.html"),
        ("/any", "POST", 404, "/"),
    ]:
        response = front.ask("other.test", url, method, Cookie="a=b", If_None_Match='"1"')
        answer = json.load(response)
        assert (response.status, answer["url"]) == (status, seen), (url, method)
        assert "Cookie" not in answer
        assert response.getheader("Cache-Control") == "no-store"
        assert response.getheader("Retry-After") is None
    assert front.asked("ann.h.test", "/")["address"] == "127.1.0.3"
    front.instances.broken = True  # type: ignore[attr-defined]
    response = front.ask("other.test", "/")
    assert (response.status, b"No site here" in response.read()) == (404, True)


def test_hosts_that_nobody_serves_are_not_found(front: Front) -> None:
    front.apply(ROUTES)
    for host in ("other.test", "hello.test.evil.test", "prev.prev.hello.test", ""):
        assert front.ask(host, "/").status == 404, host


def test_nobody_outside_can_say_what_the_front_door_says(front: Front) -> None:
    front.apply(ROUTES)
    forged = {
        "X_Silver_Host": "evil.test",
        "X_Silver_Prefix": "/evil",
        "X_Silver_Scheme": "https",
        "X_Silver_Update": "token",
        "X_Silver_Cron": "token nightly",
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
    port = free_port()
    command = [str(VARNISHD), "-F", "-j", "none", "-n", str(work), "-a", f"127.0.0.1:{port}"]
    command += ["-f", "", "-I", str(front.layout.vcl / "start.cli"), "-s", "malloc,10m"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            again = Front(front.layout, port, front.instances)
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


def _wait_until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
