"""The forms of a request's target, as Apache takes them on a node."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest

from silverlining.develop.serve.inside.front import in_front_of


def asked(uri: str) -> tuple[str, str]:
    """Return the status of the answer, and the path that the application saw."""
    environ: WSGIEnvironment = {"REQUEST_URI": uri, "PATH_INFO": "/as/the/server/took/it"}
    setup_testing_defaults(environ)
    seen: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    def start_response(status: str, *_: object) -> None:
        seen.insert(0, status)

    for _ in in_front_of(app)(environ, start_response):  # type: ignore[arg-type]
        pass
    status, *path = sorted(seen, key=lambda each: each.startswith("/"))
    return status, "".join(path)


@pytest.mark.parametrize(
    ("uri", "status", "path"),
    [
        ("/a/../b?c=/d", "200 OK", "/b"),
        ("http://localhost:8080/a/../b", "200 OK", "/b"),
        ("HTTP://localhost", "200 OK", "/"),
        ("http://localhost?x", "200 OK", "/"),
        ("/../../etc/hostname", "400 Bad Request", ""),
        ("http://localhost:8080/../../etc/hostname", "400 Bad Request", ""),
        ("http://localhost:8080/%2e%2e/%2e%2e/etc/hostname", "400 Bad Request", ""),
        ("etc/hostname", "400 Bad Request", ""),
        ("../etc/hostname", "400 Bad Request", ""),
    ],
)
def test_no_form_of_a_target_leads_out(uri: str, status: str, path: str) -> None:
    assert asked(uri) == (status, path)
