"""What every service of an app can do with the app's data.

A service's role installs one file, `roles/service_NAME/files/NAME.py`, with a class `Service` that
derives from the one here. Whatever happens to data is made of these steps:

- a backup and a checkpoint: `backup`;
- a restore: `stage`, `check`, then `swap`, then `discard`, which removes what was there before;
- a clear: the same with `stage(None)`;
- a drill: `stage`, `check`, `discard`.

Each step may be killed at any point. Called again, it finds its way from whatever was left.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from silvernode.layout import Layout


class Service(ABC):
    """One service's data of one app, and a copy of it on the side.

    Attributes:
        has_checkpoint: whether a deploy keeps a checkpoint of it, as of a database.
        units: the units of systemd that have to be active for it; patterns, as in a shell.
        is_shared: whether the same app on other nodes has the very same data.
        layout: the node's paths.
        app: the app's name.
        side: names the copy on the side, so that two commands do not share one.
    """

    has_checkpoint: bool = False
    units: Sequence[str] = ()
    is_shared: bool = False

    def __init__(self, layout: Layout, app: str, side: str = "restore") -> None:
        self.layout, self.app, self.side = layout, app, side

    @abstractmethod
    def size(self) -> int:
        """Return the bytes that the app's data takes now."""

    @abstractmethod
    def identity(self) -> str:
        """Return what tells the app's data from any other, and goes with it when it is swapped."""

    @abstractmethod
    def backup(self, target: Path) -> dict[str, Any]:
        """Write all of the app's data, consistently, while the app goes on.

        Args:
            target: an empty directory, which only root can enter.

        Returns:
            Facts by which `check` tells that a copy is complete, plain data for JSON.

        Raises:
            NodeError: it failed.
            OSError: the disk is full, for example.
        """

    @abstractmethod
    def stage(self, source: Path | None) -> None:
        """Make the copy on the side, replacing what is left of another; the app's data stays.

        Args:
            source: the directory that `backup` has filled; None makes an empty copy, as an app has
                it in the beginning.

        Raises:
            NodeError: it failed, for example since the backup is damaged.
            OSError: the disk is full, for example.
        """

    @abstractmethod
    def check(self, facts: Mapping[str, Any]) -> None:
        """Check the copy on the side.

        Args:
            facts: what `backup` returned.

        Raises:
            NodeError: it is not what the facts say.
        """

    @abstractmethod
    def swap(self) -> None:
        """Exchange the app's data and the copy on the side; a second call undoes it.

        It happens at once: whenever one looks, the app has one or the other. Processes of the app
        that run have to be started again, since what they have open is not the app's data any more.

        Raises:
            NodeError: nothing was exchanged.
        """

    @abstractmethod
    def discard(self) -> None:
        """Remove the copy on the side, if there is one."""

    def obstacle(self) -> str:
        """Return why no backup can be made, in words; empty if one can, as far as is known."""
        return ""

    def is_unchanged(self, source: Path, scratch: Path) -> bool:
        """Tell whether the app's data is what `backup` wrote before; False also if unsure.

        Args:
            source: the directory that `backup` has filled.
            scratch: an empty directory, which the caller removes.
        """
        return False

    def forbid_writes(self) -> None:  # noqa: B027 - most services have nothing to do
        """Let nobody write who connects from now on, but for an update (`update_variables`).

        Whoever is connected goes on until `disconnect`.
        """

    def allow_writes(self) -> None:  # noqa: B027 - most services have nothing to do
        """Undo `forbid_writes`, if it was called: for those who connect from now on."""

    def disconnect(self) -> None:  # noqa: B027 - most services have nothing to do
        """End the connections that processes of the app have."""

    def update_variables(self) -> dict[str, str]:
        """Return the environment variables with which an update can write nevertheless."""
        return {}

    def versions(self) -> dict[str, str]:
        """Return the versions of what the service runs on, for a backup's manifest."""
        return {}
