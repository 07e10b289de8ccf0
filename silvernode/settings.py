"""What an operator may set for every app of a node: the variables of the role `app`."""

import json
from dataclasses import dataclass

from silvernode.errors import NodeError
from silvernode.layout import Layout


@dataclass(frozen=True)
class Settings:
    """Limits and sizes, rendered by the role `app` to `/etc/silverlining/settings.json`.

    Attributes:
        processes: Python processes per instance.
        threads: threads in each of them.
        max_connections: connections that Varnish opens to one instance at most.
        keep_instances: instances kept beside the active and the previous one of each location.
        warm_seconds: how long the previous instance keeps running after a switch.
        start_timeout: seconds within which every process must have imported the app.
        check_timeout: seconds within which `check_url` must answer.
        update_timeout: seconds that each line of `update_fetch` may take.
        disk_reserve_mb: megabytes that an upload must leave free.
        checkpoint: whether an update keeps a checkpoint of the app's data.
        checkpoint_max_mb: megabytes of data above which it does not.
        keep_checkpoints: checkpoints of an app that are kept.
        cron_timeout: seconds that a cron job may take.
        job_stop_timeout: seconds that a job has to end when it is told to.
    """

    processes: int
    threads: int
    max_connections: int
    keep_instances: int
    warm_seconds: int
    start_timeout: int
    check_timeout: int
    update_timeout: int
    disk_reserve_mb: int
    cron_timeout: int = 3600
    job_stop_timeout: int = 60
    checkpoint: bool = True
    checkpoint_max_mb: int = 1024
    keep_checkpoints: int = 3


def load(layout: Layout) -> Settings:
    """Return the node's settings.

    Raises:
        NodeError: the node was never provisioned, or by a version with other settings.
    """
    try:
        return Settings(**json.loads(layout.settings.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise NodeError(
            f"{layout.settings} cannot be used ({error}); run ./silver setup-node for this node"
            " again"
        ) from error
