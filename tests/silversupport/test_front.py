from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from webob import Request, Response
from webtest.lint import middleware as lint

from silversupport.front import in_front_of, not_found, prepare

TOKEN = "t0ken"


def prepared(token: str = TOKEN, **environ: str) -> WSGIEnvironment:
    result: WSGIEnvironment = {"PATH_INFO": "/x", "wsgi.url_scheme": "http", **environ}
    prepare(result, token)
    return result


def test_plain_request_keeps_its_meaning() -> None:
    assert prepared(HTTP_HOST="example.org", SERVER_PORT="8080") == {
        "HTTP_HOST": "example.org",
        "PATH_INFO": "/x",
        "REQUEST_SCHEME": "http",
        "SCRIPT_NAME": "",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }


def test_request_over_tls_under_a_path_is_what_the_visitor_asked_for() -> None:
    environ = prepared(
        HTTP_HOST="example.org",
        HTTP_X_SILVER_DIRECT="yes",
        HTTP_X_SILVER_HOST="example.org",
        HTTP_X_SILVER_PREFIX="/blog",
        HTTP_X_SILVER_SCHEME="https",
        SCRIPT_NAME="/index.wsgi",
        SCRIPT_URL="/x",
        SCRIPT_URI="http://example.org:8080/x",
        REDIRECT_URL="/x",
        SERVER_PORT="8080",
        REQUEST_SCHEME="http",
    )
    assert environ == {
        "HTTPS": "on",
        "HTTP_HOST": "example.org",
        "PATH_INFO": "/x",
        "REQUEST_SCHEME": "https",
        "SCRIPT_NAME": "/blog",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
    }


def test_https_of_an_earlier_hop_does_not_survive_a_plain_request() -> None:
    assert "HTTPS" not in prepared(HTTPS="on", HTTP_X_SILVER_SCHEME="http")


@pytest.mark.parametrize(
    ("host", "scheme", "port"),
    [
        ("example.org", "http", "80"),
        ("example.org", "https", "443"),
        ("example.org:8443", "https", "8443"),
        ("[::1]", "http", "80"),
        ("[::1]:81", "http", "81"),
        ("example.org:", "http", "80"),
        ("example.org:\xb2", "http", "80"),
        ("", "https", "443"),
    ],
)
def test_port_is_the_visitors(host: str, scheme: str, port: str) -> None:
    assert prepared(HTTP_HOST=host, HTTP_X_SILVER_SCHEME=scheme)["SERVER_PORT"] == port


@pytest.mark.parametrize(
    ("token", "header", "expected"),
    [
        (TOKEN, TOKEN, True),
        (TOKEN, "other", False),
        (TOKEN, "", False),
        (TOKEN, None, False),
        (TOKEN, "t\xf6ken", False),
        ("", "", False),
        ("", None, False),
        ("", "anything", False),
    ],
)
def test_only_the_token_makes_an_update(token: str, header: str | None, expected: bool) -> None:
    headers = {} if header is None else {"HTTP_X_SILVER_UPDATE": header}
    environ = prepared(token, **headers)
    assert environ.get("silverlining.update", False) is expected


@pytest.mark.parametrize(
    ("token", "header", "expected"),
    [
        (TOKEN, f"{TOKEN} nightly", "nightly"),
        (TOKEN, "other nightly", None),
        (TOKEN, "nightly", None),
        (TOKEN, "t\xf6ken nightly", None),
        (TOKEN, " nightly", None),
        ("", " nightly", None),
        ("", "nightly", None),
    ],
)
def test_only_the_token_makes_a_job(token: str, header: str, expected: str | None) -> None:
    environ = prepared(token, HTTP_X_SILVER_CRON=header)
    assert environ.get("silverlining.cron") == expected
    assert "HTTP_X_SILVER_CRON" not in environ
    assert "HTTP_X_SILVER_UPDATE" not in environ


def show(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    request = Request(environ)
    update = environ.get("silverlining.update", False)
    shown = [request.path_url, request.path_info, update, sorted(request.headers)]
    answer: Iterable[bytes] = Response(json=shown)(environ, start_response)
    return answer


def test_application_behind_the_front_builds_the_visitors_addresses() -> None:
    request = Request.blank(
        "/x",
        headers={
            "Host": "example.org",
            "X-Silver-Host": "example.org",
            "X-Silver-Prefix": "/blog",
            "X-Silver-Scheme": "https",
            "X-Silver-Update": TOKEN,
        },
    )
    response = request.get_response(lint(in_front_of(show, TOKEN)))
    assert response.json == ["https://example.org/blog/x", "/x", True, ["Host"]]


def test_front_hands_the_applications_answer_on_untouched() -> None:
    """So that `wsgi.file_wrapper` and `close` work."""
    answer = [b"x"]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        return answer

    assert in_front_of(app, TOKEN)({}, lambda *args: lambda data: None) is answer


def test_static_site_has_nothing_but_its_files() -> None:
    response = Request.blank("/nothing").get_response(lint(not_found))
    assert response.status == "404 Not Found"
    assert response.content_type == "text/html"
    assert "<h1>Not found</h1>" in response.text
