"""An application that tells what it sees and what it may do, for the tests of a node."""

import json
import os
import socket
import sys
import uuid
from collections.abc import Callable, Iterable
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from silversupport.secret import get_secret


def connect(address: str) -> str:
    """Connect to ADDRESS:PORT."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=1).close()
    return "connected"


def read(path: str) -> str:
    """Read a file, or list a directory."""
    target = Path(path)
    return str(sorted(target.iterdir())) if target.is_dir() else target.read_text("latin-1")


def write(path: str) -> str:
    """Write a file."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"Written by {os.environ['SILVER_INSTANCE_NAME']}.\n")
    return "written"


ATTEMPTS: dict[str, Callable[[str], str]] = {"connect": connect, "read": read, "write": write}


def attempt(name: str, argument: str) -> dict[str, str]:
    """Try something that an application may or may not do."""
    try:
        return {"done": ATTEMPTS[name](argument)}
    except OSError as error:
        return {"refused": type(error).__name__}


def describe(environ: WSGIEnvironment) -> dict[str, object]:
    """Tell what an application is told: by the request, and by its environment."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return {
        "instance": os.environ["SILVER_INSTANCE_NAME"],
        "answer": uuid.uuid4().hex,
        "body": environ["wsgi.input"].read(length).decode("latin-1"),
        "environ": {key: repr(value) for key, value in environ.items()},
        "variables": dict(os.environ),
        "path": sys.path,
        "secret": sha256(get_secret().encode()).hexdigest(),
    }


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer /attempt/NAME?ARGUMENT, /status/NUMBER, /cacheable, and anything else."""
    status, headers = HTTPStatus.OK, [("Content-Type", "application/json")]
    answer: object = None
    match environ["PATH_INFO"].split("/")[1:]:
        case ["attempt", name]:
            answer = attempt(name, dict(parse_qsl(environ["QUERY_STRING"]))["argument"])
        case ["status", number]:
            status = HTTPStatus(int(number))
            print(f"The probe answers {number}.", file=environ["wsgi.errors"])
        case ["cacheable"]:
            headers.append(("Cache-Control", "max-age=600"))
    start_response(f"{status.value} {status.phrase}", headers)
    return [json.dumps(answer or describe(environ)).encode()]
