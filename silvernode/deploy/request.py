"""What the laptop asks of a node."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from silvernode.errors import NodeError
from silvernode.routing.locations import LOCATION
from silvernode.routing.registry import Registry

APP_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")


@dataclass(frozen=True)
class Request:
    """Who wants which app at which location.

    Attributes:
        plan: what the app's `app.ini` says, as the laptop checked it.
        location: `HOST[/PATH]`.
        owner: who asks, as `user@machine`.
        nodes: how many nodes of its set run the app.
    """

    plan: Mapping[str, Any]
    location: str
    owner: str
    nodes: int = 1

    def __post_init__(self) -> None:
        # They become names of files, units and users, and text of VCL, all of them root's.
        if not APP_NAME.fullmatch(self.app) or not LOCATION.fullmatch(self.location):
            raise NodeError(f"not an app and a location: {self.app!r}, {self.location!r}")

    @property
    def app(self) -> str:
        """The app's name."""
        return str(self.plan["name"])

    def check_free(self, routes: Registry) -> None:
        """Check that nobody else is served at the location.

        Raises:
            NodeError: it is another app's.
        """
        owner = routes.owner(self.location)
        if owner not in (None, self.app):
            raise NodeError(
                f"{self.location} is served by the app {owner}; choose another location for"
                f" {self.app}"
            )


@dataclass(frozen=True)
class Upload:
    """What was uploaded, to become an instance.

    Attributes:
        name: of its directory among the uploads.
        expected: the instance that was active at the location when the upload was prepared.
        config: whether a deployment configuration was uploaded with it.
        revisions: the version-control checkouts in the app, as the laptop found them.
        leader: whether this node is the first of its set, which carries out `update_fetch` and has
            the jobs.
        instance: the name that the instance is given on every node of its set; empty for the next.
    """

    name: str
    expected: str
    config: bool = False
    revisions: list[dict[str, Any]] = field(default_factory=list)
    leader: bool = True
    instance: str = ""
