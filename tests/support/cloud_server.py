"""A cloud on this machine that has any number of nodes: what OpenStack answers, over HTTP.

Each node is the one of Libcloud's own recordings, with a name, an id and an address of its own.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import libcloud

TOKEN = "open-sesame-token"  # noqa: S105
SECRET = "open-sesame-secret"  # noqa: S105
RECORDING = "test/compute/fixtures/openstack_v1_1/_servers_detail.json"


class Cloud(ThreadingHTTPServer):
    """The cloud.

    Attributes:
        names: The names of its nodes.
        requests: The path of each request.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.names: list[str] = []
        self.requests: list[str] = []
        recording = Path(libcloud.__file__).parent / RECORDING
        self._recorded = json.loads(recording.read_text())["servers"][1]

    @property
    def source(self) -> str:
        """What a source file says to find it."""
        url = f"http://127.0.0.1:{self.server_port}"
        return (
            "plugin: libcloud\nprovider: openstack\nuser: ubuntu\n"
            f"key: demo\nsecret: {SECRET}\n"
            "options:\n"
            f"  ex_force_auth_url: {url}\n"
            f"  ex_force_base_url: {url}\n"
            f"  ex_force_auth_token: {TOKEN}\n"
            '  ex_force_service_region: ""\n'
        )

    def servers(self) -> Iterator[dict[str, Any]]:
        """Yield each node as OpenStack tells of it."""
        for number, name in enumerate(self.names):
            server = deepcopy(self._recorded)
            address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            server |= {"id": f"{number:08x}", "name": name}
            server["addresses"] = {"private": [{"version": 4, "addr": address}]}
            server["metadata"] = {"silverlining-groups": "web-set_shop"}
            yield server


class Handler(BaseHTTPRequestHandler):
    """Answers the question for all nodes, and no other."""

    server: Cloud

    def do_GET(self) -> None:
        """Answer a request."""
        self.server.requests.append(self.path)
        body = json.dumps({"servers": list(self.server.servers())}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[Cloud]:
    """Have a cloud answer while the block runs."""
    with Cloud() as cloud:
        threading.Thread(target=cloud.serve_forever, daemon=True).start()
        try:
            yield cloud
        finally:
            cloud.shutdown()
