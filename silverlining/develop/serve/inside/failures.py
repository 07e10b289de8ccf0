"""Errors of an application, on the terminal and as pages."""

import html
import sys
from collections.abc import Iterable, Iterator
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from silversupport.tracebacks import describe

STATUS = "500 Internal Server Error"
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }}
pre {{ font: .9rem/1.45 ui-monospace, monospace; white-space: pre-wrap; padding: 1rem;
  background: #f4f4f4; border-left: 4px solid #c33 }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #ddd; background: #16181b }} pre {{ background: #22262b }}
}}
</style>
<h1>{title}</h1>
<pre>{text}</pre>
<p>This page is shown by <code>silver serve</code> only. {hint}</p>
</html>
"""
MEND = "It tries again as soon as a file of the application changes."
REPORT = "On a node the visitor sees a short message, and the log has the rest."


class Caught:
    """The body of an answer; what goes wrong while it is made is the rest of it."""

    def __init__(self, chunks: Iterable[bytes], start_response: StartResponse) -> None:
        self._chunks = chunks
        self._start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks."""
        try:
            yield from self._chunks
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 (SystemExit too: it ends no process)
            yield from _answer(error, self._start_response)

    def close(self) -> None:
        """Tell the application that the answer was sent."""
        close = getattr(self._chunks, "close", None)
        if close:
            close()


def caught(app: WSGIApplication) -> WSGIApplication:
    """Return `app` with errors shown as pages, and on the terminal."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            chunks = app(environ, start_response)
        except BaseException as error:  # noqa: BLE001 (as above)
            return _answer(error, start_response)
        return chunks if isinstance(chunks, list | tuple) else Caught(chunks, start_response)

    return application


def of_start(text: str) -> WSGIApplication:
    """Return what stands in for an application that could not be started, and says why."""
    body = page("The application cannot be started", text, MEND)

    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(STATUS, _headers(body))
        return [body]

    return application


def page(title: str, text: str, hint: str) -> bytes:
    """Return a page of HTML."""
    filled = PAGE.format(title=html.escape(title), text=html.escape(text), hint=hint)
    return filled.encode(errors="backslashreplace")


def _answer(error: BaseException, start_response: StartResponse) -> list[bytes]:
    text = describe(error)
    sys.stderr.write(text)
    body = page(text.strip().rpartition("\n")[2], text, REPORT)
    # Raises the error when a part of the answer is with the visitor already.
    start_response(STATUS, _headers(body), cast("Any", (type(error), error, error.__traceback__)))
    return [body]


def _headers(body: bytes) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
