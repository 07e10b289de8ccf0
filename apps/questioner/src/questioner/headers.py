"""A middleware that adds headers to every response."""

from collections.abc import Callable
from typing import Any

from webob import Request, Response
from webob.dec import wsgify

WSGIApplication = Callable[..., Any]


@wsgify.middleware
def add_headers(request: Request, app: WSGIApplication, headers: dict[str, str]) -> Response:
    """Add headers to what an application answers, where it has not set them itself.

    Args:
        request: The request.
        app: The application.
        headers: The headers, by name.

    Returns:
        The application's response.
    """
    response = request.get_response(app)
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def make_filter(
    app: WSGIApplication, global_conf: dict[str, str], **headers: str
) -> WSGIApplication:
    """Wrap an application, as PasteDeploy asks for it; the section's options are the headers."""
    wrapped: WSGIApplication = add_headers(app, headers=headers)
    return wrapped
