"""What is served: `runner` in app.ini names this file, and the object `application` in it."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from silversupport.environment import variable


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer every request."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello from {variable('SILVER_APP_NAME')}!\n".encode()]
