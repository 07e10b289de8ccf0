"""A WSGI application whose requests its log knows."""

from __future__ import annotations

import os
import time
from itertools import count
from typing import TYPE_CHECKING

from silversupport.output import Output, current
from silversupport.tracebacks import describe
from silversupport.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

SERVER_ERROR = 500

_process = os.urandom(3).hex()
_numbers = count(1)


class Request:
    """A request that is being served.

    Attributes:
        has_output: whether the application has written anything meanwhile.
    """

    __slots__ = (
        "_asked",
        "_began",
        "_begun",
        "_ended",
        "_id",
        "_output",
        "_respond",
        "_started",
        "_status",
        "_traffic",
        "has_output",
    )

    def __init__(
        self,
        output: Output,
        traffic: Traffic,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> None:
        get = environ.get
        # Taken now, for the application may change its environ.
        self._asked = (
            get("REQUEST_METHOD", ""),
            get("SCRIPT_NAME", ""),
            get("REQUEST_URI", ""),
            get("HTTP_HOST", ""),
        )
        # Apache's own name of the request, which is in its two logs as well.
        self._id = get("mod_wsgi.request_id") or f"{_process}-{next(_numbers)}"
        self._output, self._respond = output, start_response
        self._began, self._started = time.time(), time.monotonic()
        self._status = ""
        self._begun = self._ended = self.has_output = False
        self._traffic = traffic
        traffic.begin()

    @property
    def is_over(self) -> bool:
        """Whether its end is noted, if there was anything to note."""
        return self._ended

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Pass on the beginning of the answer, and remember its status."""
        write = self._respond(status, headers, exc_info)
        self._status = status
        return write

    def write(self, stream: str, text: str) -> None:
        """Note what the application wrote."""
        event: dict[str, object] = {"request": self._id, "stream": stream, "text": text}
        if self._begun:
            self._output.log.append(event)
            return
        self._begun = True
        begin = {"request": self._id, "event": "begin", "time": self._began, **self._describe()}
        self._output.log.append(begin, event)

    def fail(self, error: BaseException, *, sent: bool) -> None:
        """Note an error that the application let through.

        Args:
            error: the error.
            sent: whether the visitor has a part of the answer, so that its status stays.
        """
        self._output.flush()
        self.write("error", describe(error))
        self._end(500 if not sent else self._number(), failed=True)

    def end(self) -> None:
        """Note how the request ended, if it wrote anything or its status is an error."""
        if self.has_output:
            self._output.flush()
        self._end(self._number(), failed=False)

    def _end(self, status: int, *, failed: bool) -> None:
        current.set(None)
        ended, self._ended = self._ended, True
        if not ended:
            self._traffic.end()
        if ended or not (self._begun or status >= SERVER_ERROR):
            return
        seconds = round(time.monotonic() - self._started, 6)
        end = {"event": "end", "status": status, "failed": failed, "seconds": seconds}
        asked = {"began": self._began, **self._describe()}
        self._output.log.append({"request": self._id, **end, **asked})

    def _number(self) -> int:
        return int(self._status[:3]) if self._status[:3].isdecimal() else 0

    def _describe(self) -> dict[str, object]:
        method, prefix, path, host = self._asked
        return {"method": method, "path": prefix + path, "location": host + prefix}


class Answer:
    """An application's answer, of which the server takes the parts."""

    __slots__ = ("_parts", "_request", "_result", "_sent")

    def __init__(self, result: Iterable[bytes], request: Request) -> None:
        self._result, self._request = result, request
        self._parts: Iterator[bytes] = iter(())
        self._sent = False

    def __iter__(self) -> Iterator[bytes]:
        """Begin to answer."""
        try:
            self._parts = iter(self._result)
        except BaseException as error:  # noqa: BLE001 (see `logged`)
            raise self._failed(error) from None
        return self

    def __next__(self) -> bytes:
        """Return the next part."""
        try:
            part = next(self._parts)
        except StopIteration:
            raise
        except BaseException as error:  # noqa: BLE001 (see `logged`)
            raise self._failed(error) from None
        self._sent = self._sent or bool(part)
        return part

    def close(self) -> None:
        """End the answer, however much of it the server has taken."""
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        except BaseException as error:  # noqa: BLE001 (see `logged`)
            raise self._failed(error) from None
        self._request.end()

    def _failed(self, error: BaseException) -> SystemExit:
        self._request.fail(error, sent=self._sent)
        return SystemExit(1)


def logged(app: WSGIApplication, output: Output, traffic: Traffic | None = None) -> WSGIApplication:
    """Return `app`, of which each request is put down with what was written meanwhile.

    An error of the app is noted so and becomes SystemExit. mod_wsgi answers 500 for any error, or
    breaks off an answer that it has begun to send, but of this one it notes no traceback of its own
    (wsgi_log_python_error in
    https://github.com/GrahamDumpleton/mod_wsgi/blob/4.9.4/src/server/wsgi_logger.c).

    Args:
        app: the application.
        output: what it writes.
        traffic: where its requests are counted.
    """
    counted = traffic or Traffic()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(output, counted, environ, start_response)
        current.set(request)
        environ["wsgi.errors"] = output.stderr
        file_wrapper = environ.get("wsgi.file_wrapper")
        try:
            result = app(environ, request.start_response)
        except BaseException as error:  # noqa: BLE001 (it is in the log)
            request.fail(error, sent=False)
            raise SystemExit(1) from None
        # Nothing more can happen in a list, and mod_wsgi sends a file of its own type quickly.
        if type(result) is list or _is_file(result, file_wrapper):
            request.end()
            return result
        return Answer(result, request)

    return application


def _is_file(result: object, file_wrapper: object) -> bool:
    return isinstance(file_wrapper, type) and isinstance(result, file_wrapper)
