"""What Varnish and Apache do to a request on a node before the application sees it."""

import html
import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from silverlining.develop.serve.inside.urls import PathError, path_of
from silversupport.front import prepare

# Headers by which a visitor would tell a framework who asks, who is asked or how: Varnish removes
# them (roles/varnish, apps.vcl.j2).
ABSOLUTE = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?]*/?", re.IGNORECASE)
"""What comes before the path in the form `http://host/path`: RFC 9112, section 3.2.2."""

FORGED = ("HTTP_X_SILVER_", "HTTP_X_FORWARDED_", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_PROXY")


def in_front_of(app: WSGIApplication) -> WSGIApplication:
    """Return `app` behind what stands in front of it on a node."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for name in [name for name in environ if name.startswith(FORGED)]:
            del environ[name]
        uri = ABSOLUTE.sub("/", environ.get("REQUEST_URI", ""))
        if uri != "*":  # of OPTIONS: RFC 9112, section 3.2.4
            try:
                environ["PATH_INFO"] = path_of(uri)
            except PathError as error:
                return _refused(str(error), start_response)
        host = str(environ.setdefault("HTTP_HOST", environ["SERVER_NAME"]))
        environ["SERVER_NAME"] = host.rpartition(":")[0] or host
        prepare(environ, update_token="")
        return app(environ, start_response)

    return application


def _refused(status: str, start_response: StartResponse) -> list[bytes]:
    body = f"<!DOCTYPE html>\n<title>{html.escape(status)}</title>\n".encode()
    headers = [("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
