"""Commands for applications."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from silverlining import playbook
from silverlining.cli import options
from silverlining.cli.confirmation import confirm
from silverlining.deploy import interruption
from silversupport.errors import SilverError

_directory = click.argument("directory", metavar="[DIR]", default=".", type=click.Path())
_location = click.argument("location", required=False)
_node = click.option("--node", metavar="NAME", help="A node or a set, where there are several.")
_config = click.option(
    "--config",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The directory of the deployment configuration. [default: the one there now]",
)


class DiffError(SilverError):
    """A node did not say what an update would change."""


@click.command()
@_directory
@_location
@_node
@_config
@click.option(
    "--etc-hosts/--no-etc-hosts",
    default=True,
    help="Add the site's names to /etc/hosts, if they lead nowhere yet. [default: add]",
)
@click.option("--clear", is_flag=True, help="Remove the app's data: its database, its files.")
@click.option("--yes", is_flag=True, help="Do not ask before --clear.")
@options.verbosity
def update(
    directory: str,
    location: str | None,
    node: str | None,
    config: Path | None,
    etc_hosts: bool,
    clear: bool,
    yes: bool,
    verbosity: int,
) -> int:
    """Upload an application, check it, and switch its location to it.

    DIR is the directory with its app.ini, LOCATION is HOST, HOST/PATH or '*.DOMAIN'; by default
    they are this directory and its default_location. Each may be given without the other.

    Only what has changed is uploaded. The new version is started and checked beside the one that is
    served: if anything fails, or you press Ctrl-C, the site stays as it was. Afterwards the version
    before is served at prev.LOCATION. 'silver diff' tells before what an update would change.

    --clear starts the new version with the app's data cleared: what its services keep for it on the
    node is gone, at all of its locations, even if the new version then fails.

    \b
    Example: silver update
             silver update ~/polls polls.example.com --node web1
             silver update . polls.example.com --config ~/polls-config
    """
    place = _place(directory, location)
    if clear and not yes:
        confirm(f"Remove all data of the app in {place['app']} from the node, for good?")
    extra = {
        **place,
        "node": node,
        "config": _absolute(config),
        "etc_hosts": etc_hosts or None,
        "clear": clear or None,
    }
    with interruption.told() as outcome:
        try:
            status = playbook.run("deploy", extra, verbosity=verbosity)
        except KeyboardInterrupt:
            status = playbook.INTERRUPTED
        if status == playbook.INTERRUPTED:
            said = interruption.outcome(outcome) or "nothing was uploaded, and nothing switched"
            click.echo(f"silver: {said}{'; its data may be cleared' if clear else ''}", err=True)
    return status


@click.command()
@_directory
@_location
@_node
@_config
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.verbosity
def diff(
    directory: str,
    location: str | None,
    node: str | None,
    config: Path | None,
    as_json: bool,
    verbosity: int,
) -> int:
    """Show what 'silver update' would change, and what was changed on the server.

    Lists the files that would be added, changed and removed, with the differences of texts. Of the
    deployment configuration (--config) only the names are shown. What was edited on the server
    since the last update stands in a part of its own. Nothing is changed.

    The exit status is 0 whether or not there are differences.

    \b
    Example: silver diff
             silver diff ~/polls polls.example.com --json
    """
    extra = {
        **_place(directory, location),
        "node": node,
        "config": _absolute(config),
    }
    if not as_json:
        return playbook.run("deploy", extra, ["--check", "--diff"], verbosity)
    answers = playbook.answers("deploy", extra, ["--check"])
    click.echo(json.dumps([_differences(node, found) for node, found in answers.items()], indent=2))
    return 0


def _differences(node: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    if "differences" not in answer:
        raise DiffError(answer.get("msg", f"{node} did not answer"))
    return {"node": node, **answer["differences"]}


def _place(directory: str, location: str | None) -> dict[str, str | None]:
    """Return the directory and the location that are meant.

    A single argument is the location if it looks like one and there is no such directory.
    """
    path = Path(directory)
    looks_so = "." in directory and not directory.startswith((".", "/")) and not path.exists()
    if location is None and looks_so:
        return {"app": str(Path.cwd()), "location": directory}
    return {"app": str(path.resolve()), "location": location}


def _absolute(path: Path | None) -> str | None:
    return str(path.expanduser().absolute()) if path else None
