"""An application below the path of another: neither gets the other's requests."""

import pytest
import requests

from tests.support.node import Node, seen


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
