"""A Libcloud compute driver for the local Docker engine.

A node is a container that behaves like a rented server: systemd is PID 1, sshd lets the user
``admin`` in with a key, sudo makes that user root, and nothing of our stack is in it.
"""

import base64
import io
import re
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import paramiko  # type: ignore[import-untyped]
from docker.errors import APIError, NotFound
from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeAuthPassword,
    NodeAuthSSHKey,
    NodeDriver,
    NodeImage,
    NodeLocation,
    NodeSize,
)
from libcloud.compute.types import NodeState
from libcloud.utils.publickey import get_pubkey_ssh2_fingerprint

from silverlining import packages, paths
from silverlining.nodes import engine, image, key_pairs
from silversupport.errors import SilverError

NODE_LABEL = "silverlining.node"
IMAGE_LABEL = "silverlining.image"
SIZE_LABEL = "silverlining.size"
HOST_KEY_LABEL = "silverlining.host-key"

SETTLE_SECONDS = 0.3
"""A systemd that cannot start dies within 20 ms, after the engine has called it running."""

MEGABYTE = 1024 * 1024
SHARED_MEMORY = 256 * MEGABYTE
"""Size of /dev/shm in bytes; the engine's 64 MB are too few for PostgreSQL's parallel queries."""

_SIZES = (  # name, memory in MB, processors
    ("medium", 2048, 2),
    ("tiny", 512, 1),
    ("small", 1024, 1),
    ("large", 4096, 2),
    ("xlarge", 8192, 4),
)

_STATES = {
    "created": NodeState.PENDING,
    "running": NodeState.RUNNING,
    "paused": NodeState.PAUSED,
    "restarting": NodeState.REBOOTING,
    "removing": NodeState.TERMINATED,
    "exited": NodeState.STOPPED,
    "dead": NodeState.ERROR,
}

# systemd writes to its part of the cgroup tree. On v1 it needs the host's tree, writable, and from
# systemd 256 on a word that v1 is meant. On v2 the container has a tree of its own, which the
# engine mounts read-only: it is made writable before init starts. The host's is out of reach.
# https://systemd.io/CONTAINER_INTERFACE/  https://github.com/moby/moby/issues/42275
_CGROUPS: dict[str, dict[str, Any]] = {
    "1": {
        "mode": "host",
        "binds": ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
        "environment": {"SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE": "1"},
        "command": ["/sbin/init"],
    },
    "2": {
        "mode": "private",
        "binds": [],
        "environment": {},
        "command": ["sh", "-c", "mount -o remount,rw /sys/fs/cgroup && exec /sbin/init"],
    },
}


class DockerNodeError(SilverError):
    """A local node cannot be made, found or changed."""


class DockerNodeDriver(NodeDriver):
    """Nodes on a Docker engine, through Libcloud's interface."""

    name = "Docker engine"
    website = "https://docs.docker.com/engine/"
    type = "docker"
    api_name = "docker"

    def __init__(self, key: str = "", secret: str | None = None, **options: Any) -> None:
        """Connect to the engine that ``DOCKER_HOST`` names, or else to the local one.

        Args:
            key: Not used: the engine's socket needs no credentials. Nor is ``secret``.
            secret: Not used.
            options: None are known.

        Raises:
            engine.EngineError: No engine answers.
            DockerNodeError: An option was given.
        """
        if options:
            raise DockerNodeError(f"The provider docker has no option {', '.join(options)}.")
        self.key, self.secret = key, secret  # NodeDriver.__init__ would want an HTTP connection
        self.features = {"create_node": ["ssh_key"]}
        self.client = engine.connect()

    def list_nodes(self) -> list[Node]:
        """Return our nodes, stopped ones too."""
        found = self.client.api.containers(all=True, filters={"label": NODE_LABEL})
        return [self._node(container) for container in found]

    def create_node(  # type: ignore[override]  # noqa: PLR0913, PLR0917 (Libcloud's interface)
        self,
        name: str,
        size: NodeSize | None = None,
        image: NodeImage | None = None,
        location: NodeLocation | None = None,
        auth: NodeAuthSSHKey | None = None,
        ex_key_pair: str | None = None,
        ex_labels: Mapping[str, str] | None = None,
        ex_report: Callable[[str], None] = lambda message: None,
    ) -> Node:
        """Create a node and start it; sshd answers some 0.2 s later.

        Args:
            name: Also its host name and the container's name: lower case letters, digits, - and .
            size: Default: the first of ``list_sizes``.
            image: Default: ``image.default``. It is made first if the engine does not have it.
            location: There is only one.
            auth: The public key that may log in as ``admin``. Default: this laptop's own.
            ex_key_pair: Name of a stored key pair, instead of ``auth``.
            ex_labels: Further labels of the container.
            ex_report: Told what is going on while an image is made.

        Raises:
            DockerNodeError: The name is bad or taken, or the container died. Nothing is left of it.
            silverlining.image.ImageError: There is no image.
        """
        public_key = self._public_key(auth, ex_key_pair)
        self._check_name(name)
        base = self._base_image(image, ex_report)
        chosen = size or self.list_sizes()[0]
        host_key = key_pairs.generate()
        self._remove_half_made(name)
        labels = {
            **(ex_labels or {}),
            NODE_LABEL: name,
            IMAGE_LABEL: base.name,
            SIZE_LABEL: chosen.id,
            HOST_KEY_LABEL: host_key.public,
        }
        with self._new_container(name, base.tag, chosen, labels) as container:
            self.client.api.put_archive(container, "/", _archive(public_key, host_key))
            self._start(container)
        return self._find(container)

    def destroy_node(self, node: Node) -> bool:
        """Remove a node and all that is in it, and return whether it was there."""
        try:
            self.client.api.remove_container(str(node.id), force=True, v=True)
        except NotFound:
            return False
        return True

    def reboot_node(self, node: Node) -> bool:
        """Stop a node's systemd in order, and start it again."""
        self.client.api.restart(str(node.id))
        return True

    def start_node(self, node: Node) -> bool:
        """Start a stopped node. Its address may be another one then."""
        self._start(str(node.id))
        return True

    def stop_node(self, node: Node) -> bool:
        """Stop a node's systemd in order; what is on its disk stays."""
        self.client.api.stop(str(node.id))
        return True

    def list_images(self, location: NodeLocation | None = None) -> list[NodeImage]:
        """Return the catalogue, the default first; ``extra['ready']``: whether it was made."""
        first = image.default(self.client)
        ordered = [first, *(base for base in image.CATALOGUE if base != first)]
        return [
            NodeImage(
                base.name,
                base.name,
                self,
                extra={"tag": base.tag, "ready": image.is_ready(self.client, base)},
            )
            for base in ordered
        ]

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        """Return the sizes that this machine can give, the default first."""
        info = self.client.info()
        fitting = [
            size
            for size in self._sizes()
            if size.extra["cpus"] <= info["NCPU"] and size.ram * MEGABYTE <= info["MemTotal"]
        ]
        if not fitting:
            raise DockerNodeError(
                "This machine has less than 512 MB of memory, too few for a node."
            )
        return fitting

    def list_locations(self) -> list[NodeLocation]:
        """Return the one location, this engine."""
        return [NodeLocation("local", self.client.info()["Name"], "", self)]

    def list_key_pairs(self) -> list[KeyPair]:
        """Return the stored key pairs."""
        return [self.get_key_pair(name) for name in key_pairs.names()]

    def get_key_pair(self, name: str) -> KeyPair:
        """Return a stored key pair; its private key is not kept here."""
        return self._key_pair(name, key_pairs.load(name))

    def create_key_pair(self, name: str) -> KeyPair:
        """Make and store a key pair; only this answer has the private key."""
        keys = key_pairs.generate(name)
        key_pairs.store(name, keys.public)
        return self._key_pair(name, keys.public, keys.private)

    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        """Store a public key."""
        key_pairs.store(name, key_material)
        return self.get_key_pair(name)

    def delete_key_pair(self, key_pair: KeyPair) -> bool:
        """Forget a stored key pair; nodes made with it still take it."""
        key_pairs.remove(key_pair.name)
        return True

    def deploy_node(self, *args: Any, **kwargs: Any) -> Node:
        """Create a node and run a Libcloud ``Deployment`` on it, by default as ``admin``.

        Takes what ``NodeDriver.deploy_node`` takes.
        """
        if "ssh_key" not in kwargs:
            key_pairs.default()
            kwargs["ssh_key"] = str(paths.private_key())
        settings = {"ssh_username": image.LOGIN_USER, "wait_period": 0.1, **kwargs}
        return super().deploy_node(*args, **settings)

    def _ssh_client_connect(
        self, ssh_client: Any, ssh_timeout: float | None = None, timeout: int = 300
    ) -> Any:
        """Give Paramiko the node's host key, since Libcloud itself would accept any."""
        for node in self.list_nodes():
            if ssh_client.hostname in node.public_ips:
                kind, blob, *_ = node.extra["host_key"].split()
                key = paramiko.PKey.from_type_string(kind, base64.b64decode(blob))
                ssh_client.client.get_host_keys().add(ssh_client.hostname, kind, key)
        return super()._ssh_client_connect(ssh_client, timeout=timeout)

    def _public_key(self, auth: object, key_pair: str | None) -> str:
        if isinstance(auth, NodeAuthPassword):
            raise DockerNodeError("Local nodes take an SSH key, no password.")
        if isinstance(auth, NodeAuthSSHKey):
            return key_pairs.check_public(auth.pubkey)
        return key_pairs.load(key_pair) if key_pair else key_pairs.default()

    def _check_name(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", name):
            raise DockerNodeError(
                f"Bad node name {name!r}: use lower case letters, digits, - and ., at most 63."
            )

    def _remove_half_made(self, name: str) -> None:
        """Remove what a killed ``create_node`` left: a container of ours that never started."""
        for node in self.list_nodes():
            if node.name == name and node.state == NodeState.PENDING:
                self.destroy_node(node)

    def _base_image(
        self, wanted: NodeImage | None, report: Callable[[str], None]
    ) -> image.BaseImage:
        base = image.find(wanted.id) if wanted else image.default(self.client)
        image.ensure(self.client, base.name, report)
        return base

    @contextmanager
    def _new_container(
        self, name: str, tag: str, size: NodeSize, labels: Mapping[str, str]
    ) -> Iterator[str]:
        """Create a container and give its id; remove it if the ``with`` block fails."""
        cgroups = _CGROUPS[self.client.info().get("CgroupVersion", "1")]
        host_config = self._host_config(size, cgroups)
        try:
            container = self.client.api.create_container(
                tag,
                name=name,
                hostname=name,
                command=cgroups["command"],
                environment={"container": "docker", **cgroups["environment"]},
                labels=dict(labels),
                stop_signal="SIGRTMIN+3",
                host_config=host_config,
            )["Id"]
        except APIError as error:
            raise DockerNodeError(f"Cannot create node {name}: {error.explanation}") from error
        try:
            yield container
        except BaseException:
            self.client.api.remove_container(container, force=True, v=True)
            raise

    def _host_config(self, size: NodeSize, cgroups: Mapping[str, Any]) -> dict[str, Any]:
        config: dict[str, Any] = self.client.api.create_host_config(
            cap_add=["SYS_ADMIN"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            binds=cgroups["binds"],
            tmpfs={"/run": "mode=755", "/run/lock": "mode=1777"},
            mem_limit=size.ram * MEGABYTE,
            memswap_limit=size.ram * MEGABYTE,
            nano_cpus=int(size.extra["cpus"] * 1e9),
            shm_size=SHARED_MEMORY,
        )
        config["CgroupnsMode"] = cgroups["mode"]  # the SDK has no argument for it
        return config

    def _start(self, container: str) -> None:
        """Start a container, see whether it lives, and let it come back after a restart.

        The restart policy is set last: it would start a dying container again and again.
        """
        self.client.api.start(container)
        time.sleep(SETTLE_SECONDS)
        if not self.client.api.inspect_container(container)["State"]["Running"]:
            log = self.client.api.logs(container).decode(errors="replace")
            raise DockerNodeError(
                f"The node's systemd ended at once. Its last words:\n{packages.tail(log)}\n"
                "If it is about inotify, too many nodes run: raise the limit with "
                "'sysctl fs.inotify.max_user_instances=1024' as root, or destroy some."
            )
        self.client.api.update_container(
            container,
            restart_policy={"Name": "unless-stopped"},  # type: ignore[arg-type] # stub is too old
        )

    def _find(self, container: str) -> Node:
        found = self.client.api.containers(all=True, filters={"id": container})
        return self._node(found[0])

    def _node(self, container: Mapping[str, Any]) -> Node:
        labels = container["Labels"]
        networks = container["NetworkSettings"]["Networks"].values()
        addresses = [network["IPAddress"] for network in networks if network["IPAddress"]]
        base = labels[IMAGE_LABEL]
        return Node(
            id=container["Id"],
            name=labels[NODE_LABEL],
            state=_STATES.get(container["State"], NodeState.UNKNOWN),
            public_ips=addresses,
            private_ips=[],
            driver=self,
            size=next((size for size in self._sizes() if size.id == labels[SIZE_LABEL]), None),
            image=NodeImage(base, base, self),
            created_at=datetime.fromtimestamp(container["Created"], UTC),
            extra={
                "host_key": labels[HOST_KEY_LABEL],
                "labels": dict(labels),
                "status": container["Status"],
            },
        )

    def _sizes(self) -> list[NodeSize]:
        return [NodeSize(n, n, ram, 0, 0, 0.0, self, {"cpus": cpus}) for n, ram, cpus in _SIZES]

    def _key_pair(self, name: str, public: str, private: str | None = None) -> KeyPair:
        fingerprint = get_pubkey_ssh2_fingerprint(public)  # type: ignore[no-untyped-call]
        return KeyPair(name, public, fingerprint, self, private_key=private)


def _archive(public_key: str, host_key: key_pairs.Keys) -> bytes:
    """Return what goes into a node before it starts: who may log in, and its own host key."""
    home = f"home/{image.LOGIN_USER}/.ssh/authorized_keys"
    ssh = "etc/ssh/ssh_host_ed25519_key"
    entries: Sequence[tuple[str, str, int, int]] = (
        (home, public_key, 0o600, 1000),
        (ssh, host_key.private.rstrip("\n"), 0o600, 0),
        (f"{ssh}.pub", host_key.public, 0o644, 0),
    )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text, mode, owner in entries:
            data = f"{text}\n".encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(data), mode, owner, owner
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
