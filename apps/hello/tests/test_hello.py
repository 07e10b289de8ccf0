"""The pages of hello, asked for by sending the application requests."""

import re

import pytest
from webob import Request, Response

from hello.application import Hello
from hello.settings import Settings

SETTINGS = Settings(
    app="hello",
    instance="hello.20261122_007",
    version="silverlining/9.9",
    host="hello.example",
    python="3.12.1",
)


def ask(path: str, method: str = "GET", script_name: str = "") -> Response:
    """Send the application a request, as if it were served below `script_name`."""
    request = Request.blank(path, method=method)
    request.script_name = script_name
    return request.get_response(Hello(SETTINGS))


@pytest.mark.parametrize("path", ["/", "/links", "/greet/Ada"])
def test_every_page_names_the_instance_that_serves(path: str) -> None:
    response = ask(path)

    assert response.status_code == 200
    assert response.content_type == "text/html"
    assert "hello.20261122_007" in response.text


def test_home_shows_where_it_runs() -> None:
    for fact in ("hello.example", "silverlining/9.9", "3.12.1"):
        assert fact in ask("/").text


def test_environment_is_json() -> None:
    response = ask("/api/environment")

    assert response.content_type == "application/json"
    assert response.json == {
        "app": "hello",
        "instance": "hello.20261122_007",
        "version": "silverlining/9.9",
        "host": "hello.example",
        "python": "3.12.1",
    }


@pytest.mark.parametrize(
    ("path", "greeting"),
    [
        ("/greet/Ada", "Hello, <em>Ada</em>!"),
        ("/greet/Zo%C3%AB", "Hello, <em>Zoë</em>!"),
        ("/greet/AC/DC", "Hello, <em>AC/DC</em>!"),
        ("/greet/%3Cscript%3E", "Hello, <em>&lt;script&gt;</em>!"),
        ("/greet/%22%26", "Hello, <em>&quot;&amp;</em>!"),
    ],
)
def test_greeting_is_for_any_name_and_escaped(path: str, greeting: str) -> None:
    assert greeting in ask(path).text


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("name=Ada", "/greet/Ada"),
        ("name=Zo%C3%AB+%26+Co", "/greet/Zo%C3%AB%20%26%20Co"),
        ("name=AC%2FDC", "/greet/AC/DC"),
        ("name=%0d%0aSet-Cookie:a=b", "/greet/Set-Cookie%3Aa%3Db"),
        ("name=+", "/"),
        ("", "/"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/demo"])
def test_form_leads_to_the_greetings_own_address(query: str, target: str, prefix: str) -> None:
    response = ask(f"/greet?{query}", script_name=prefix)

    assert response.status_code == 303
    assert response.location == f"http://localhost{prefix}{target}"


def test_links_stay_below_the_path_where_the_application_is_served() -> None:
    links = re.findall(r'(?:href|src|action)="([^"]*)"', ask("/links", script_name="/demo").text)

    assert "/demo/greet/Ada" in links
    assert "/demo/hello.css" in links
    assert all(link.startswith("/demo/") for link in links), links


@pytest.mark.parametrize(
    ("path", "method", "status", "words"),
    [
        ("/nowhere", "GET", 404, "There is no such page."),
        ("/greet/", "GET", 404, "There is no such page."),
        ("/%ff", "GET", 400, "not valid UTF-8"),
        ("/greet?name=%ff", "GET", 400, "not valid UTF-8"),
        ("/", "POST", 405, "can only be read"),
    ],
)
def test_mistakes_get_a_page_of_the_site(path: str, method: str, status: int, words: str) -> None:
    response = ask(path, method)

    assert response.status_code == status
    assert words in response.text
    assert "hello.20261122_007" in response.text


def test_refused_method_is_told_what_is_allowed() -> None:
    assert ask("/", "DELETE").allow == ("GET", "HEAD")


def test_head_has_no_body() -> None:
    response = ask("/", "HEAD")

    assert response.status_code == 200
    assert response.body == b""


def test_location_without_a_trailing_slash_is_the_home_page() -> None:
    request = Request.blank("/")
    request.script_name, request.environ["PATH_INFO"] = "/demo", ""

    assert request.get_response(Hello(SETTINGS)).status_code == 200


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environ(
        {
            "SILVER_APP_NAME": "hello",
            "SILVER_INSTANCE_NAME": "hello.20261122_001",
            "SILVER_VERSION": "silverlining/0.1.0",
            "SILVER_CANONICAL_HOSTNAME": "hello.test",
            "CONFIG_PG_PASSWORD": "not to be shown",
        }
    )

    assert settings.instance == "hello.20261122_001"
    assert settings.host == "hello.test"
    assert "not to be shown" not in repr(settings)
