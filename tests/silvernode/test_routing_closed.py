"""What visitors get of a site that is disabled, or closed by a deploy, as a real Varnish has it."""

import json
import threading
import time
from http.client import HTTPResponse

import pytest

from silvernode import settings
from silvernode.routing import closings, maintenance, registry
from silvernode.routing.maintenance import Meant
from silvernode.routing.registry import Registry
from tests.support.front import PAGE, VARNISHD, Front

pytestmark = pytest.mark.skipif(VARNISHD is None, reason="varnish is not installed here")

ROUTES = (
    Registry(
        addresses={
            "hello.20261122_001": "127.1.0.1",
            "hello.20261122_002": "127.1.0.2",
            "blog.20261122_001": "127.1.0.3",
            "page.20261122_001": PAGE,
        }
    )
    .switched("h.test", "hello", "hello.20261122_001", "")
    .switched("h.test", "hello", "hello.20261122_002", "")
    .switched("o.test", "hello", "hello.20261122_001", "")
    .switched("h.test/blog", "blog", "blog.20261122_001", "")
)
WITH_PAGE = ROUTES.switched("disabled", "page", "page.20261122_001", "")


def is_closed(response: HTTPResponse) -> bool:
    """Whether it is the maintenance page, as whole as it has to be."""
    answer = (response.status, response.getheader("Cache-Control"))
    patient = int(response.getheader("Retry-After") or 0) > 0
    text = response.read()
    return answer == (503, "no-store") and patient and b"Down for maintenance" in text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_visitors_of_a_disabled_app_are_kept_out(front: Front, method: str) -> None:
    front.apply(ROUTES.with_disabled(["hello"]))
    for host, url in [("h.test", "/"), ("h.test", "/a?b"), ("o.test", "/"), ("prev.h.test", "/")]:
        response = front.ask(host, url, method, "body" if method in ("POST", "PUT") else "")
        found = (response.status, response.getheader("Cache-Control"))
        assert found == (503, "no-store"), (host, url)
        assert int(response.getheader("Retry-After") or 0) > 0
        assert (b"Down for maintenance" in response.read()) is (method != "HEAD")
    assert front.asked("h.test", "/blog/")["address"] == "127.1.0.3"


def test_a_location_is_disabled_by_itself(front: Front) -> None:
    front.apply(ROUTES.with_disabled(locations=["h.test/blog"]))
    for url in ("/blog", "/blog?x", "/blog/", "/blog/a"):
        assert is_closed(front.ask("h.test", url)), url
    assert front.asked("h.test", "/blogger")["address"] == "127.1.0.2"
    assert front.asked("h.test", "/")["address"] == "127.1.0.2"


def test_who_is_on_the_node_is_let_in(front: Front) -> None:
    front.apply(ROUTES.with_disabled(["hello", "blog"]))
    for host, url, address in [
        ("h.test", "/", "127.1.0.2"),
        ("prev.h.test", "/", "127.1.0.1"),
        ("h.test", "/blog/", "127.1.0.3"),
    ]:
        assert json.load(front.ask_on_the_node(host, url))["address"] == address
    assert front.ask_on_the_node("h.test", "/blog").status == 301
    assert json.load(front.ask_on_the_node("h.test", "/x", "POST"))["method"] == "POST"


def test_nothing_of_the_cache_is_served(front: Front) -> None:
    front.apply(ROUTES)
    for _ in range(2):
        assert front.asked("h.test", "/cached")["address"] == "127.1.0.2"
    front.apply(ROUTES.with_disabled(["hello"]))
    assert is_closed(front.ask("h.test", "/cached"))
    front.apply(ROUTES)
    assert front.asked("h.test", "/cached")["address"] == "127.1.0.2"


def test_the_app_at_disabled_gives_the_page_and_what_belongs_to_it(front: Front) -> None:
    front.apply(WITH_PAGE.with_disabled(["hello", "blog"]))
    for host, url, method, status, seen, prefix in [
        ("h.test", "/", "GET", 503, "/", ""),
        ("h.test", "/any/thing?x", "GET", 503, "/", ""),
        ("h.test", "/style.css", "GET", 200, "/style.css", ""),
        ("h.test", "/about.html", "GET", 503, "/about.html", ""),
        ("h.test", "/style.css", "POST", 503, "/", ""),
        ("prev.h.test", "/", "GET", 503, "/", ""),
        ("h.test", "/blog", "GET", 503, "/", "/blog"),
        ("h.test", "/blog/style.css", "GET", 200, "/style.css", "/blog"),
    ]:
        body = "secret" if method == "POST" else ""
        private = {"Cookie": "a=b", "Authorization": "Basic x", "If_None_Match": '"1"'}
        response = front.ask(host, url, method, body, **private)
        answer = json.load(response)
        found = (response.status, answer["url"], answer.get("X-Silver-Prefix", ""))
        assert found == (status, seen, prefix), (host, url, method)
        assert (answer["address"], answer["method"], answer["body"]) == (PAGE, "GET", "")
        assert not {"Cookie", "Authorization"} & set(answer)
        assert response.getheader("Cache-Control") == "no-store"
        assert response.getheader("Set-Cookie") is None
        assert (response.getheader("Retry-After") is not None) is (status == 503)
    assert front.ask("h.test", "/", "HEAD").status == 503
    assert json.load(front.ask_on_the_node("h.test", "/"))["address"] == "127.1.0.2"
    front.instances.broken = True  # type: ignore[attr-defined]
    assert is_closed(front.ask("h.test", "/")), "our own page where the app fails"


def test_the_page_of_the_app_at_disabled_follows_its_updates(front: Front) -> None:
    routes = WITH_PAGE.with_disabled(["hello"])
    front.apply(routes)
    assert json.load(front.ask("h.test", "/"))["address"] == PAGE
    updated = routes.with_address("page.20261122_002", "127.1.0.8")
    front.apply(updated.switched("disabled", "page", "page.20261122_002", ""))
    assert json.load(front.ask("h.test", "/style.css"))["address"] == "127.1.0.8"


def test_a_site_that_a_deploy_has_closed_for_writing_can_be_looked_at(front: Front) -> None:
    front.apply(ROUTES.with_closed({"hello": "read-only"}))
    assert front.asked("h.test", "/")["address"] == "127.1.0.2"
    assert front.ask("h.test", "/", "HEAD").status == 200
    assert front.ask("h.test", "/", "OPTIONS").status == 200
    for host in ("h.test", "o.test", "prev.h.test"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert is_closed(front.ask(host, "/", method)), (host, method)
    assert json.load(front.ask_on_the_node("h.test", "/", "POST"))["method"] == "POST"
    assert json.load(front.ask("h.test", "/blog/x", "POST"))["address"] == "127.1.0.3"


def test_no_other_command_opens_what_a_deploy_has_closed(front: Front) -> None:
    registry.save(front.layout, ROUTES)
    front.apply(ROUTES)
    current = settings.load(front.layout)
    with maintenance.closed(front.layout, "hello", closings.MAINTENANCE, current):
        assert is_closed(front.ask("h.test", "/"))
        front.apply(registry.load(front.layout))
        assert is_closed(front.ask("h.test", "/")), "as an update of another app does"
        start = (front.layout.vcl / "start.cli").read_text()
        texts = [(front.layout.vcl / name).read_text() for name in _files(start)]
        assert not any('maintenance";' in text for text in texts), "after a reboot it is open"
        assert json.load(front.ask_on_the_node("h.test", "/"))["address"] == "127.1.0.2"
    assert front.asked("h.test", "/")["address"] == "127.1.0.2"
    assert closings.current(front.layout) == {}


def test_what_a_killed_deploy_has_closed_is_opened_by_the_next_command(front: Front) -> None:
    registry.save(front.layout, ROUTES)
    with pytest.raises(ZeroDivisionError), closings.held(front.layout, "hello", "maintenance"):
        front.apply(ROUTES)
        raise ZeroDivisionError
    (front.layout.locks / "closed-hello").write_text("maintenance")
    assert is_closed(front.ask("h.test", "/"))
    front.apply(registry.load(front.layout))
    assert front.asked("h.test", "/")["address"] == "127.1.0.2"


def test_each_request_gets_the_site_or_the_page_while_it_is_disabled_and_enabled(
    front: Front,
) -> None:
    registry.save(front.layout, ROUTES)
    front.apply(ROUTES)
    odd: list[object] = []
    counts = {200: 0, 503: 0}
    end = threading.Event()

    def visit() -> None:
        while not end.wait(0.02):
            response = front.ask("h.test", "/x")
            status = response.status
            whole = is_closed(response) if status == 503 else b"127.1.0.2" in response.read()
            counts[status] = counts.get(status, 0) + 1
            odd.extend([] if whole else [(status, response.headers.items())])

    visitors = [threading.Thread(target=visit) for _ in range(8)]
    for each in visitors:
        each.start()
    for _ in range(3):
        maintenance.disable(front.layout, Meant(apps=("hello",)))
        assert is_closed(front.ask("h.test", "/x")), "at once"
        time.sleep(0.1)
        maintenance.enable(front.layout, Meant(apps=("hello",)))
        assert front.asked("h.test", "/x")["address"] == "127.1.0.2"
        time.sleep(0.1)
    end.set()
    for each in visitors:
        each.join()
    assert odd == []
    assert set(counts) == {200, 503}
    assert min(counts.values()) > 50, counts


def _files(start: str) -> list[str]:
    return [line.rpartition("/")[2] for line in start.splitlines() if line.endswith(".vcl")]
