"""Commands for what nodes do by schedule: backups and restore drills, now."""

import click

from silverlining import playbook
from silverlining.cli.options import verbosity


@click.command("backup-all")
@click.argument("node")
@verbosity
def backup_all(node: str, verbosity: int) -> int:
    """Make the backups of a node's schedule now.

    NODE is a node or a set. Every app that is served there is backed up to where the node's
    schedule does it (role variable backup_destination); old backups go as they do then. An app that
    fails does not keep the others; the exit status is not 0 then.

    \b
    Example: silver backup-all web1
    """
    return playbook.run("backup-all", {"node": node}, verbosity=verbosity)


@click.command("drill-all")
@click.argument("node")
@verbosity
def drill_all(node: str, verbosity: int) -> int:
    """Check that the backups of a node's schedule can be restored.

    NODE is a node or a set. The newest backup of every app that is served there is fetched and
    restored beside its data, compared with what the backup says of itself, and thrown away. The
    sites notice nothing. The exit status is not 0 if one is missing or damaged.

    \b
    Example: silver drill-all web1
    """
    return playbook.run("drill-all", {"node": node}, verbosity=verbosity)
