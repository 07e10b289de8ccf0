"""A cron job, run now: `silver run LOCATION --cron NAME`."""

import sys
from collections.abc import Mapping
from typing import Any

from silvernode import interrupts, settings
from silvernode.data import evidence
from silvernode.jobs import job as jobs
from silvernode.jobs import unit_files
from silvernode.layout import Layout
from silvernode.routing import registry
from silvernode.scripts import Script, check_id


def run(layout: Layout, asked: Mapping[str, Any]) -> int:
    """Run a cron job with its output both in the log and on this process's standard output.

    It ends when its client goes away. While another run of it is under way it is not run.

    Args:
        layout: the node's paths.
        asked: `location`, `cron` (the job's name), `id`, `node` (what to call it in an error).

    Returns:
        Its exit status.

    Raises:
        NodeError: nothing is served there, or it has no such job, or it could not be run.
    """
    interrupts.end_with_client()
    current = settings.load(layout)
    job = jobs.find(layout, registry.find(layout, asked["location"], asked["node"]), asked["cron"])
    command = [*unit_files.command(job, current, "--attached"), *job.program(layout)]
    limits = [*unit_files.properties(layout, job), f"RuntimeMaxSec={current.cron_timeout}"]
    script = Script(layout, job.instance, command, check_id(asked["id"]), properties=limits)
    with evidence.noted(layout, job.app):
        outcome, _ = script.run()
    if outcome.reason:
        sys.stderr.write(f"silver: {job.title} was {outcome.reason}\n")
    return outcome.status
