"""Files go before the application: its own, those of the host in the writable root, the others."""

from pathlib import Path

import pytest
import requests

from tests.support import apps
from tests.support.node import Node, seen

ROOT = "/var/lib/silverlining/writable-root/probe"


def write(node: Node, path: str) -> None:
    """Have the probe write a file."""
    answer = node.page("probe.test", f"/attempt/write?argument={path}").json()
    assert answer == {"done": "written"}


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("/file.txt", "A file of the application.\n", "text/plain"),
        ("/file.txt?version=2", "A file of the application.\n", "text/plain"),
        ("/docs/", "<!doctype html><title>Docs</title>\n", "text/html"),
        ("/docs/index.html", "<!doctype html><title>Docs</title>\n", "text/html"),
    ],
)
def test_a_file_is_served(probe: Node, path: str, content: str, kind: str) -> None:
    answer = probe.page("probe.test", path)
    assert answer.text == content, seen(answer)
    assert answer.headers["Content-Type"].startswith(kind), seen(answer)


def test_a_file_that_was_not_changed_is_not_sent_again(probe: Node) -> None:
    tag = probe.page("probe.test", "/file.txt").headers["ETag"]
    answer = probe.visit("probe.test", "/file.txt", headers={"If-None-Match": tag})
    assert answer.status_code == requests.codes.not_modified, seen(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_finds_a_file(probe: Node, method: str) -> None:
    answer = probe.page("probe.test", "/file.txt", method=method)
    assert answer.json()["environ"]["PATH_INFO"] == "'/file.txt'"


@pytest.mark.parametrize(
    "path",
    [
        "/app.ini",
        "/src/runner.py",
        "/../app.ini",
        "/%2e%2e/app.ini",
        "/docs/..%2f..%2fapp.ini",
        "/static/file.txt",
        "/file.txt/more",
        "/docs/nothing.html",
    ],
)
def test_everything_else_is_the_applications(probe: Node, path: str) -> None:
    answer = probe.visit("probe.test", path)
    if answer.status_code == requests.codes.ok:
        assert "environ" in answer.json(), seen(answer)
    else:
        assert answer.status_code in (400, 404), seen(answer)


def test_what_the_application_writes_is_served(probe: Node) -> None:
    write(probe, f"{ROOT}/everywhere.txt")
    write(probe, f"{ROOT}/probe.test/here.txt")
    write(probe, f"{ROOT}/other.test/there.txt")
    assert probe.page("probe.test", "/everywhere.txt").text.startswith("Written by probe.")
    assert probe.page("probe.test", "/here.txt").text.startswith("Written by probe.")
    assert "environ" in probe.page("probe.test", "/there.txt").json()


def test_the_file_of_the_host_goes_before_that_of_all_hosts(probe: Node) -> None:
    for place in (ROOT, f"{ROOT}/probe.test"):
        write(probe, f"{place}/both.txt")
        probe.sh(f"echo {place} > {place}/both.txt")
    assert probe.page("probe.test", "/both.txt").text == f"{ROOT}/probe.test\n"


def test_the_applications_own_file_goes_before_written_ones(probe: Node) -> None:
    write(probe, f"{ROOT}/probe.test/file.txt")
    assert probe.page("probe.test", "/file.txt").text == "A file of the application.\n"


def test_a_visitor_cannot_choose_the_host_of_the_files(probe: Node) -> None:
    write(probe, f"{ROOT}/other.test/there.txt")
    answer = probe.page("probe.test", "/there.txt", headers={"X-Silver-Host": "other.test"})
    assert "environ" in answer.json(), seen(answer)


def test_a_visitor_cannot_pass_by_the_files(probe: Node) -> None:
    answer = probe.page("probe.test", "/file.txt", headers={"X-Silver-Direct": "1"})
    assert answer.text == "A file of the application.\n", seen(answer)


def test_a_directory_of_files_is_a_site(site: Node, tmp_path: Path) -> None:
    apps.change(tmp_path, "app.ini", "[production]\napp_name = leaflet\n")
    apps.change(tmp_path, "static/index.html", "<title>Leaflet</title>")
    site.must_deploy(tmp_path, "leaflet.test")
    assert site.page("leaflet.test").text == "<title>Leaflet</title>"
    assert site.visit("leaflet.test", "/nothing").status_code == requests.codes.not_found
