"""Where everything of a node lies: the table of ``docs/node.md`` as code."""

from dataclasses import dataclass
from pathlib import Path

from silvernode.errors import NodeError


@dataclass(frozen=True)
class Layout:
    """The paths of a node.

    :param root: ``/`` on a node, a temporary directory in unit tests.
    """

    root: Path = Path("/")

    @property
    def etc(self) -> Path:
        return self.root / "etc/silverlining"

    @property
    def www(self) -> Path:
        return self.root / "var/www"

    @property
    def staging(self) -> Path:
        return self.www / ".staging"

    @property
    def state(self) -> Path:
        return self.root / "var/lib/silverlining"

    @property
    def registry(self) -> Path:
        return self.state / "registry.json"

    @property
    def settings(self) -> Path:
        return self.etc / "settings.json"

    @property
    def release(self) -> Path:
        return self.etc / "release.json"

    @property
    def locks(self) -> Path:
        return self.root / "run/lock/silverlining"

    @property
    def vcl(self) -> Path:
        return self.root / "etc/varnish/silver"

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def logrotate(self) -> Path:
        return self.root / "etc/logrotate.d"

    def service_settings(self, service: str) -> Path:
        """What the role of ``service`` says that its variables depend on."""
        return self.etc / "services" / f"{service}.json"

    def service_env(self, app: str, service: str) -> Path:
        """The variables of ``service`` for ``app``."""
        return self.etc / "apps" / app / f"{service}.env"

    def data(self, kind: str, app: str) -> Path:
        """An app's own directory of one kind: ``files``, ``config``, ``secret``, ``tmp``, …"""
        return self.state / kind / app

    def logs(self, app: str) -> Path:
        return self.root / "var/log/silverlining" / app

    def staged(self, name: str) -> Path:
        """The upload called ``name``.

        :raises NodeError: the name is not that of a direct child of the staging directory.
        """
        path = self.staging / name
        if path.parent != self.staging or name in ("", ".", ".."):
            raise NodeError(f"not the name of an upload: {name!r}")
        return path
