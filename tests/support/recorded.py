"""Stand-ins for clouds of which there is no emulator: they answer what Libcloud recorded.

Lists are the recorded ones, with the image, size or region of our examples added, for the
recordings are old. A new node is the first recorded one with what was sent put in.
"""

import copy
import itertools
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcloud
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

FIXTURES = Path(libcloud.__file__).parent / "test" / "compute" / "fixtures"

Entry = dict[str, Any]


@dataclass(frozen=True)
class Interface:
    """What one provider's interface looks like.

    Attributes:
        fixtures: Directory of the recordings.
        nodes: Path, name in the answer that lists, and name in the answer that tells of one.
        lists: File of the recording of each other path.
        added: What the lists have besides, as changes to their first entry.
    """

    fixtures: str
    nodes: tuple[str, str, str]
    lists: dict[str, str]
    added: dict[str, Entry]


INTERFACES = {
    "digitalocean": Interface(
        "digitalocean_v2",
        ("/v2/droplets", "droplets", "droplet"),
        {
            "/v2/images": "list_images",
            "/v2/sizes": "list_sizes",
            "/v2/regions": "list_locations",
            "/v2/account/keys": "list_key_pairs",
        },
        {
            "/v2/images": {"name": "24.04 (LTS) x64", "id": 24},
            "/v2/sizes": {"slug": "s-1vcpu-2gb", "memory": 2048},
            "/v2/regions": {"slug": "fra1", "name": "Frankfurt 1"},
        },
    ),
    "linode": Interface(
        "linode_v4",
        ("/v4/linode/instances", "data", ""),
        {
            "/v4/images": "list_images",
            "/v4/linode/types": "list_types",
            "/v4/regions": "list_locations",
        },
        {"/v4/images": {"id": "linode/ubuntu24.04", "label": "Ubuntu 24.04 LTS"}},
    ),
    "vultr": Interface(
        "vultr_v2",
        ("/v2/instances", "instances", "instance"),
        {
            "/v2/os": "list_images",
            "/v2/plans": "list_sizes",
            "/v2/plans-metal": "ex_list_bare_metal_sizes",
            "/v2/bare-metals": "ex_list_bare_metal_nodes",
            "/v2/regions": "list_locations",
            "/v2/ssh-keys": "list_key_pairs",
        },
        {"/v2/os": {"id": 2284, "name": "Ubuntu 24.04 LTS x64"}},
    ),
}


@dataclass
class Cloud:
    """One provider's stand-in.

    Attributes:
        interface: What it looks like.
        port: where it answers.
        nodes: those that were made and not destroyed.
        sent: what was sent to make them.
    """

    interface: Interface
    port: int = 0
    nodes: list[Entry] = field(default_factory=list)
    sent: list[Entry] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def recorded(self, name: str) -> Entry:
        """Return a recorded answer."""
        path = FIXTURES / self.interface.fixtures / f"{name}.json"
        answer: Entry = json.loads(path.read_text())
        return answer

    def answer(self, request: Request) -> tuple[Entry, int]:
        """Return the answer to a request, and its status."""
        path, several, _ = self.interface.nodes
        if request.path.startswith(path):
            return self._nodes(request, path, several)
        if request.method == "POST":
            return self._key(request.get_json(force=True)), 201
        if request.path not in self.interface.lists:
            return {"message": "not found"}, 404
        answer = self.recorded(self.interface.lists[request.path])
        [listed] = [value for value in answer.values() if isinstance(value, list)]
        if request.path == "/v2/bare-metals":
            listed.clear()
        if request.path in self.interface.added:
            listed.append({**copy.deepcopy(listed[0]), **self.interface.added[request.path]})
        return answer, 200

    def _nodes(self, request: Request, path: str, several: str) -> tuple[Entry, int]:
        if request.method == "DELETE":
            gone = request.path.removeprefix(f"{path}/")
            self.nodes = [node for node in self.nodes if str(node["id"]) != gone]
            return {}, 204
        answer = self.recorded("list_nodes")
        if request.method == "GET":
            return {**answer, several: self.nodes}, 200
        sent = request.get_json(force=True)
        self.sent.append(sent)
        kept = {key: sent[key] for key in ("name", "label", "tags", "tag") if key in sent}
        node = {**answer[several][0], **kept, "id": next(self._ids)}
        self.nodes.append(node)
        one = self.interface.nodes[2]
        return ({one: node} if one else node), 201

    def _key(self, sent: Entry) -> Entry:
        public = sent.get("public_key") or sent["ssh_key"]
        about = {"fingerprint": "aa", "date_created": "2026", "public_key": public}
        return {"ssh_key": {"id": "77", "name": sent["name"], "ssh_key": public, **about}}


@contextmanager
def running(provider: str) -> Iterator[Cloud]:
    """Run a stand-in for the length of the block."""
    cloud = Cloud(INTERFACES[provider])

    def application(environ: Entry, start: Any) -> Iterable[bytes]:
        body, status = cloud.answer(Request(environ))
        text = json.dumps(body) if status != 204 else ""
        return Response(text, status, content_type="application/json")(environ, start)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    cloud.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
