"""What stands in front of an application on a node, on every request."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

NOT_FOUND = b"<!DOCTYPE html>\n<title>Not found</title>\n<h1>Not found</h1>\n"
HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(NOT_FOUND)))]


def in_front_of(app: WSGIApplication, update_token: str) -> WSGIApplication:
    """Return `app` behind `prepare`."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        prepare(environ, update_token)
        return app(environ, start_response)

    return application


def prepare(environ: WSGIEnvironment, update_token: str) -> None:
    """Make `environ` what the visitor asked for, from the X-Silver-* headers, and remove those.

    Varnish sets these headers (it has stripped the path prefix already) and lets none from
    outside through. Of an update's own requests, which carry `update_token`,
    `environ["silverlining.update"]` is True; of those that a `cron.NAME` makes,
    `environ["silverlining.cron"]` is NAME. An empty token fits nothing.
    """
    take = environ.pop
    take("HTTP_X_SILVER_HOST", None)
    take("HTTP_X_SILVER_DIRECT", None)
    environ["SCRIPT_NAME"] = take("HTTP_X_SILVER_PREFIX", "")
    _set_scheme(environ, take("HTTP_X_SILVER_SCHEME", "http"))
    if _same(take("HTTP_X_SILVER_UPDATE", ""), update_token):
        environ["silverlining.update"] = True
    token, _, name = take("HTTP_X_SILVER_CRON", "").partition(" ")
    if _same(token, update_token):
        environ["silverlining.cron"] = name
    # Django derives the path prefix from these, and they know nothing of it:
    # https://github.com/django/django/blob/5.2/django/core/handlers/wsgi.py (get_script_name)
    for name in ("SCRIPT_URL", "SCRIPT_URI", "REDIRECT_URL"):
        take(name, None)


def _set_scheme(environ: WSGIEnvironment, scheme: str) -> None:
    environ["wsgi.url_scheme"] = environ["REQUEST_SCHEME"] = scheme
    environ.pop("HTTPS", None)
    if scheme == "https":
        environ["HTTPS"] = "on"
    port = environ.get("HTTP_HOST", "").rpartition(":")[2]
    environ["SERVER_PORT"] = port if port.isdecimal() else "443" if scheme == "https" else "80"


def _same(given: str, token: str) -> bool:
    return bool(token and given) and compare_digest(given.encode("latin-1"), token.encode())


def not_found(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application of a static site: Apache serves its files, all else is not there."""
    start_response("404 Not Found", list(HEADERS))
    return [NOT_FOUND]
