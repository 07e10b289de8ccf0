"""Each request goes to the location that is meant: by path, by pattern, with www. before it."""

import pytest
import requests

from tests.support import apps
from tests.support.node import Node, seen

TENANTS = "/var/lib/silverlining/writable-root/tenants"


@pytest.fixture(scope="module")
def tenants(blog: Node, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node that serves one app at every host below probe.test, and at one of them by its name."""
    copy = apps.copy(apps.PROBE, tmp_path_factory.mktemp("apps") / "tenants")
    apps.set_key(copy, "app_name", "tenants")
    for location in ("*.probe.test", "*.probe.test/docs", "named.probe.test/own"):
        blog.must_deploy(copy, location)
    return blog


@pytest.mark.parametrize(
    ("path", "app", "script_name", "path_info"),
    [
        ("/blog/", "blog", "/blog", "/"),
        ("/blog/2026/x", "blog", "/blog", "/2026/x"),
        ("/blog/?q=1", "blog", "/blog", "/"),
        ("/blogger", "probe", "", "/blogger"),
        ("/blog.html", "probe", "", "/blog.html"),
        ("/Blog/", "probe", "", "/Blog/"),
        ("/x/blog/", "probe", "", "/x/blog/"),
        ("/", "probe", "", "/"),
    ],
)
def test_a_path_belongs_to_one_application(
    blog: Node, path: str, app: str, script_name: str, path_info: str
) -> None:
    seen_by = blog.page("probe.test", path).json()
    environ = seen_by["environ"]
    assert seen_by["variables"]["SILVER_APP_NAME"] == app
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (repr(script_name), repr(path_info))
    assert not {"SCRIPT_URL", "SCRIPT_URI", "REDIRECT_URL"} & set(environ)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/blog", "/blog/"),
        ("/blog?q=1", "/blog/?q=1"),
        ("/blog/docs", "/blog/docs/"),
        ("/docs", "/docs/"),
        ("/docs?q=1", "/docs/?q=1"),
    ],
)
def test_a_directory_without_a_slash_is_redirected(blog: Node, path: str, location: str) -> None:
    answer = blog.visit("probe.test", path, headers={"X-Forwarded-Host": "evil.test"})
    assert answer.status_code == requests.codes.moved_permanently, seen(answer)
    assert answer.headers["Location"] in (location, f"http://probe.test{location}"), seen(answer)


def test_the_application_knows_its_path(blog: Node) -> None:
    variables = blog.page("probe.test", "/blog/").json()["variables"]
    assert variables["STATIC_URL"] == "/blog/"
    assert variables["SILVER_CANONICAL_HOSTNAME"] == "probe.test"


def test_files_are_found_below_the_path(blog: Node) -> None:
    answer = blog.page("probe.test", "/blog/file.txt")
    assert answer.text == "A file of the application.\n", seen(answer)


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("ann.probe.test", "/", ("tenants", "ann.probe.test", "")),
        ("a.b.probe.test", "/x", ("tenants", "a.b.probe.test", "")),
        ("ANN.probe.test:80", "/docs/x", ("tenants", "ann.probe.test", "/docs")),
        ("ann.probe.test", "/blog/", ("tenants", "ann.probe.test", "")),
        ("named.probe.test", "/own/x", ("tenants", "named.probe.test", "/own")),
        ("named.probe.test", "/owner", ("tenants", "named.probe.test", "")),
        ("probe.test", "/", ("probe", "probe.test", "")),
        ("probe.test", "/blog/", ("blog", "probe.test", "/blog")),
    ],
)
def test_a_pattern_serves_every_host_below_a_domain(
    tenants: Node, host: str, path: str, expected: tuple[str, str, str]
) -> None:
    seen_by = tenants.page(host, path).json()
    environ = seen_by["environ"]
    app = seen_by["variables"]["SILVER_APP_NAME"]
    told, script_name = (environ[key].strip("'") for key in ("HTTP_HOST", "SCRIPT_NAME"))
    assert (app, told, script_name) == expected


def test_an_application_takes_the_domain_of_its_pattern_for_its_own(tenants: Node) -> None:
    variables = tenants.page("ann.probe.test").json()["variables"]
    assert variables["SILVER_CANONICAL_HOSTNAME"] == "probe.test"


def test_each_host_of_a_pattern_has_its_directory_in_the_writable_root(tenants: Node) -> None:
    for host in ("ann.probe.test", "bob.probe.test"):
        path = f"{TENANTS}/{host}/name.txt"
        written = tenants.page(host, f"/attempt/write?argument={path}").json()
        assert written == {"done": "written"}
    tenants.sh(f"echo -n bob > {TENANTS}/bob.probe.test/name.txt")
    assert tenants.page("bob.probe.test", "/name.txt").text == "bob"
    assert tenants.page("ann.probe.test", "/name.txt").text.startswith("Written by")


@pytest.mark.parametrize("host", ["..", "../ann.probe.test", "a/../b.probe.test", ".probe.test"])
def test_no_directory_is_named_by_what_is_no_host(tenants: Node, host: str) -> None:
    answer = tenants.visit(host, "/name.txt")
    assert answer.status_code in (requests.codes.bad_request, requests.codes.not_found)


def test_www_leads_to_the_bare_name(tenants: Node) -> None:
    for method, status in (("GET", 301), ("HEAD", 301), ("POST", 308)):
        answer = tenants.visit("www.probe.test", "/a?b=c", method)
        assert answer.status_code == status, seen(answer)
        assert answer.headers["Location"] == "http://probe.test/a?b=c"
    assert tenants.visit("www.unknown.test").status_code == requests.codes.not_found
