"""Commands for nodes: make them, set them up, list them, remove them."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from silverlining import playbook
from silverlining.cli import options
from silverlining.cli.confirmation import confirm
from silverlining.cli.tables import print_table
from silverlining.nodes import listing, servers, sets

_source = click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="An inventory source, *.libcloud.yml. [default: inventory/local.libcloud.yml]",
)
_sources = click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="An inventory source, *.libcloud.yml; may be repeated. [default: all in inventory/]",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


@click.command("create-node")
@click.argument("name")
@click.option("--image", metavar="PATTERN", help="Such as 'name *24.04*' or 'id IMAGE'.")
@click.option("--size", metavar="PATTERN", help="Such as 'ram 2048' or 'first name small*'.")
@click.option("--group", help="web, db or balancer, if it is not to be all of them.")
@click.option("--wait/--no-wait", default=True, help="Wait until it lets us in. [default: wait]")
@options.wait_timeout
@click.option("--setup-node", is_flag=True, help="Set it up as an application host, too.")
@click.option("--if-not-exists", is_flag=True, help="Succeed if there is a node of this name.")
@_source
@options.verbosity
def create_node(
    name: str,
    image: str | None,
    size: str | None,
    group: str | None,
    wait: bool,
    wait_timeout: int | None,
    setup_node: bool,
    if_not_exists: bool,
    source: Path | None,
    verbosity: int,
) -> int:
    """Make a bare server, and wait until it lets us in.

    It is never made twice. Its SSH host key comes over a channel that can be trusted, if the
    provider has one; else it is shown that the first answer was trusted. If it does not come up, it
    is left there, and the command that removes it is shown; --if-not-exists goes on with it.

    \b
    Example: silver create-node web1 --size 'ram 2048' --setup-node
             silver create-node web1 --source inventory/amazon.libcloud.yml
    """
    extra = {
        "node": name,
        "image": image,
        "size": size,
        "group": group,
        "source": _text(source),
        "wait": None if wait else False,
        "wait_timeout": wait_timeout,
        "if_not_exists": if_not_exists or None,
    }
    status = playbook.run("create-node", extra, verbosity=verbosity)
    if status == 0 and setup_node:
        status = playbook.run("provision", {"node": name}, verbosity=verbosity)
    return status


@click.command("create-nodes")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-n", "--dry-run", is_flag=True, help="Tell only what would be made.")
@options.wait_timeout
@click.option("--setup-node", is_flag=True, help="Set up the whole set, too.")
@options.verbosity
def create_nodes(
    file: Path, dry_run: bool, wait_timeout: int | None, setup_node: bool, verbosity: int
) -> int:
    """Make the nodes of a set that are missing.

    FILE is YAML with one variable, such as:

    \b
        create_nodes:
          set: shop
          web: {count: 2, size: ram 2048}
          db: {count: 1}
          balancer: {count: 1}

    Whatever there is, is kept: raise a count to get more. What is in the set and not in FILE is
    named, with the command that removes it.

    \b
    Example: silver create-nodes shop.yml --setup-node
    """
    wanted = sets.read(file)
    arguments = ["-e", f"@{file.resolve()}", *(["--check"] if dry_run else [])]
    status = playbook.run("create-nodes", {"wait_timeout": wait_timeout}, arguments, verbosity)
    if status == 0 and setup_node and not dry_run:
        status = playbook.run("provision", {"node": wanted.group}, verbosity=verbosity)
    return status


@click.command("setup-node")
@click.argument("node", metavar="NAME|ADDRESS")
@click.option("--name", help="For an ADDRESS: what to call the node. [default: the address]")
@click.option("--user", help="For an ADDRESS: whom to log in as, root or one with sudo.")
@click.option("--port", type=click.IntRange(1, 65535), help="For an ADDRESS: sshd's port.")
@options.verbosity
def setup_node(
    node: str, name: str | None, user: str | None, port: int | None, verbosity: int
) -> int:
    """Turn a bare Ubuntu server into an application host.

    Run it again to upgrade a node; it is safe over and over. An ADDRESS adds a machine of your
    own: its host key is shown and recorded, and the machine is written to inventory/servers.yml.

    \b
    Example: silver setup-node web1
             silver setup-node 203.0.113.5 --name web1 --user root
    """
    known = servers.find(playbook.inventory(), node)
    if known and (name or user or port):
        raise click.UsageError(
            f"{node} is the node {known}: --name, --user, --port are for a new one"
        )
    if known is None:
        click.echo(f"{node} is no node of the inventory: adding a machine of your own", err=True)
        extra = {"address": node, "node": name, "user": user, "ssh_port": port}
        if status := playbook.run("add-server", extra, verbosity=verbosity):
            return status
    return playbook.run("provision", {"node": known or name or node}, verbosity=verbosity)


@click.command("destroy-node")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_source
@options.verbosity
def destroy_node(names: tuple[str, ...], yes: bool, source: Path | None, verbosity: int) -> int:
    """Remove servers with all that is on them.

    Their names leave /etc/hosts, and their host keys are forgotten.

    \b
    Example: silver destroy-node web1 web2
    """
    if not yes:
        confirm(f"Destroy {', '.join(names)} with all data?")
    extra = {"node": ",".join(names), "source": _text(source), "must_exist": source is None}
    return playbook.run("destroy-node", extra, verbosity=verbosity)


def _list_command(name: str, what: str, rows: listing.Rows) -> click.Command:
    """Return a command that prints what every source answers."""

    @click.command(name, help=f"List {what}.\n\n\b\nExample: silver {name} --json")
    @_sources
    @_as_json
    def command(sources: Sequence[Path], as_json: bool) -> None:
        found = rows(sources)
        if as_json:
            click.echo(json.dumps(found, indent=2))
        else:
            print_table(found)

    return command


list_nodes = _list_command(
    "list-nodes", "the nodes that there are, their state and address", listing.nodes
)
list_images = _list_command("list-images", "the images that a node can be made of", listing.images)
list_sizes = _list_command("list-sizes", "the sizes that a node can have", listing.sizes)
