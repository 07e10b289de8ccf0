"""Amazon's EC2 for tests: moto's server, corrected where it is not as the real one.

- Its XML has another namespace than the one that Amazon documents and Libcloud's driver reads.
- It takes any credentials; here those of ``KEY`` only.
- Errors can be asked for, as Amazon words them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import requests
import yaml
from libcloud.compute.drivers import ec2
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEY = "AKIAMOTOMOTOMOTOMOTO"
SECRET = "mellon-mellon-mellon"  # noqa: S105
REGION = "eu-central-1"

_ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>
<RequestID>7f0fd2d2-0000-0000-0000-000000000000</RequestID></Response>"""

Start = Callable[..., Any]


@dataclass
class Fault:
    """An answer in the place of the right one.

    Attributes:
        action: Of the API.
        code: Amazon's name of the error; empty for a body that is no XML.
        message: Its text.
        status: The HTTP status.
        times: How often.
        done: Whether what was asked for is done all the same.
    """

    action: str
    code: str
    message: str = "no"
    status: int = 400
    times: int = 1
    done: bool = False

    @property
    def body(self) -> str:
        """What is answered."""
        if self.code:
            return _ERROR.format(code=self.code, message=self.message)
        return self.message


@dataclass
class Cloud:
    """An EC2 that runs on this machine.

    Attributes:
        port: where.
        faults: answers to come in the place of right ones.
        actions: what was asked for, in order.
    """

    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)

    def source(self, path: Path, **options: Any) -> Path:
        """Write a source file for it."""
        settings = {
            "plugin": "libcloud",
            "provider": "ec2",
            "region": REGION,
            "key_env": "AWS_ACCESS_KEY_ID",
            "secret_env": "AWS_SECRET_ACCESS_KEY",
            "user": "ubuntu",
            "options": {"host": "127.0.0.1", "port": self.port, "secure": False},
            **options,
        }
        path.write_text(yaml.safe_dump(settings))
        return path

    @property
    def environ(self) -> dict[str, str]:
        """The variables in which such a file finds the credentials."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}

    def reset(self) -> None:
        """Forget all nodes and faults."""
        requests.post(f"http://127.0.0.1:{self.port}/moto-api/reset", timeout=10)
        self.faults.clear()
        self.actions.clear()


@contextmanager
def running() -> Iterator[Cloud]:
    """Run an EC2 for the length of the block."""
    cloud = Cloud()
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, _corrected(moto, cloud), threaded=True)
    cloud.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        cloud.reset()
        yield cloud
    finally:
        server.shutdown()
        thread.join()


def _corrected(moto: Any, cloud: Cloud) -> Any:
    """Return moto's application with what this module's docstring says."""

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/moto-api"):
            return moto(environ, start)  # type: ignore[no-any-return]
        action = parse_qs(environ["QUERY_STRING"]).get("Action", [""])[0]
        cloud.actions.append(action)
        if f"Credential={KEY}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _answer(start, 401, Fault(action, "AuthFailure", _WRONG).body)
        fault = _next_fault(cloud, action)
        if fault is None or fault.done:
            body = _asked(moto, environ, start if fault is None else lambda *_: None)
        return body if fault is None else _answer(start, fault.status, fault.body)

    return application


_WRONG = "AWS was not able to validate the provided access credentials"


def _next_fault(cloud: Cloud, action: str) -> Fault | None:
    for fault in cloud.faults:
        if fault.action == action and fault.times:
            fault.times -= 1
            return fault
    return None


def _asked(moto: Any, environ: dict[str, Any], start: Start) -> list[bytes]:
    answered: list[Any] = []
    body = b"".join(moto(environ, lambda *given: answered.append(given)))
    body = re.sub(rb'xmlns="[^"]*"', f'xmlns="{ec2.NAMESPACE}"'.encode(), body)
    status, headers, *_ = answered[0]
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start(status, [*kept, ("Content-Length", str(len(body)))])
    return [body]


def _answer(start: Start, status: int, body: str) -> list[bytes]:
    reason = HTTPStatus(status).phrase
    start(f"{status} {reason}", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body.encode()]
