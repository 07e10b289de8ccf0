"""Where everything of a node lies: the table of `docs/node.md` as code."""

from dataclasses import dataclass
from pathlib import Path

from silvernode.errors import NodeError


@dataclass(frozen=True)
class Layout:
    """The paths of a node.

    Attributes:
        root: `/` on a node, a temporary directory in unit tests.
    """

    root: Path = Path("/")

    @property
    def etc(self) -> Path:
        """Our configuration."""
        return self.root / "etc/silverlining"

    @property
    def settings(self) -> Path:
        """What an operator may set, see `silvernode.settings`."""
        return self.etc / "settings.json"

    @property
    def instances(self) -> Path:
        """The records and environments of the instances."""
        return self.etc / "instances"

    @property
    def www(self) -> Path:
        """The instances' files."""
        return self.root / "var/www"

    @property
    def staging(self) -> Path:
        """Uploads that are not instances yet, on the same file system as these."""
        return self.www / ".staging"

    @property
    def state(self) -> Path:
        """What the node and its apps must not lose."""
        return self.root / "var/lib/silverlining"

    @property
    def registry(self) -> Path:
        """Which location is served by which instance, see `silvernode.routing.registry`."""
        return self.state / "registry.json"

    @property
    def checkpoints(self) -> Path:
        """The apps' data as it was before their updates, see `silvernode.data.checkpoints`."""
        return self.state / "checkpoints"

    @property
    def locks(self) -> Path:
        """The lock files: not in `/run/lock`, where every user of the node may make some."""
        return self.root / "run/silverlining"

    @property
    def vcl(self) -> Path:
        """Varnish's configuration."""
        return self.root / "etc/varnish/silver"

    @property
    def units(self) -> Path:
        """The units of systemd that are not a package's."""
        return self.root / "etc/systemd/system"

    @property
    def logrotate(self) -> Path:
        """The configuration of logrotate."""
        return self.root / "etc/logrotate.d"

    def run(self, instance: str) -> Path:
        """Return the directory in which an instance keeps what it needs while it runs."""
        return self.root / "run/silver" / instance

    def service_settings(self, service: str) -> Path:
        """Return the file in which a service's role says what its variables depend on."""
        return self.etc / "services" / f"{service}.json"

    def service_program(self, service: str) -> Path:
        """Return the file in which a service's role says how to keep an app's data."""
        return self.root / "usr/local/lib/silverlining/services" / f"{service}.py"

    def service_envs(self, app: str) -> Path:
        """Return the directory of the variables that services gave an app."""
        return self.etc / "apps" / app

    def service_env(self, app: str, service: str) -> Path:
        """Return the file of the variables that a service gave an app."""
        return self.service_envs(app) / f"{service}.env"

    def data(self, kind: str, app: str) -> Path:
        """Return an app's own directory of a kind, such as `files`, `config`, `secret` or `tmp`."""
        return self.state / kind / app

    def logs(self, app: str) -> Path:
        """Return the directory of an app's logs."""
        return self.root / "var/log/silverlining" / app

    def staged(self, name: str) -> Path:
        """Return the directory of an upload.

        Raises:
            NodeError: the name is not that of a direct child of the staging directory.
        """
        path = self.staging / name
        if path.parent != self.staging or name in ("", ".", ".."):
            raise NodeError(f"not the name of an upload: {name!r}")
        return path
