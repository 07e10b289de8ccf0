"""One line on the terminal for each request."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Reported:
    """The body of an answer, which is over when it is closed."""

    def __init__(self, chunks: Iterable[bytes], report: Callable[[], None]) -> None:
        self._chunks = chunks
        self._report = report

    def __iter__(self) -> Iterator[bytes]:
        """Return the chunks."""
        return iter(self._chunks)

    def close(self) -> None:
        """Pass it on, and report."""
        try:
            close = getattr(self._chunks, "close", None)
            if close:
                close()
        finally:
            self._report()


def reported(app: WSGIApplication) -> WSGIApplication:
    """Return `app` with a line on the terminal for each request: `GET /path 200 12 ms`."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, status = time.monotonic(), "-"

        def start(given: str, *rest: Any) -> Any:
            nonlocal status
            status = given[:3]
            return start_response(given, *rest)

        def report() -> None:
            took = (time.monotonic() - began) * 1000
            # The URI is as it was sent, where `repr` shows what must not reach a terminal.
            what = f"{environ['REQUEST_METHOD']} {environ.get('REQUEST_URI', '')}"
            sys.stderr.write(f"{repr(what)[1:-1]} {status} {took:.0f} ms\n")

        chunks = app(environ, start)
        if isinstance(chunks, list | tuple):
            report()
            return chunks
        return Reported(chunks, report)

    return application
