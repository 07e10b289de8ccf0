"""Commands that change which instance is served where, and remove what is not needed any more."""

import click

from silverlining import playbook
from silverlining.cli import options
from silversupport.errors import SilverError

_node = click.option("--node", metavar="NAME", help="A node or a set, where there are several.")


@click.command()
@click.argument("locations", metavar="LOCATION...", nargs=-1, required=True)
@click.argument("instance")
@_node
@click.option("--with-data", is_flag=True, help="Put back the newest checkpoint of INSTANCE too.")
@click.option("--checkpoint", metavar="TIME", help="Put back this checkpoint of the data.")
@click.option("--yes", is_flag=True, help="Do not ask before the data is replaced.")
@options.verbosity
def activate(
    locations: tuple[str, ...],
    instance: str,
    node: str | None,
    with_data: bool,
    checkpoint: str | None,
    yes: bool,
    verbosity: int,
) -> int:
    """Switch locations to another instance that is on the node already.

    INSTANCE is its name, as 'silver query' shows it, or 'prev' for the one that was active before.
    It is started and checked first, beside what is served, and no request is lost. If it fails, or
    another location of the same command cannot be switched, everything stays as it was.

    LOCATION may have wildcards, which mean locations that are there. One that is not there is
    added, if an INSTANCE is named.

    With --with-data the application's database becomes what it was when INSTANCE was active last,
    at all of its locations: what was written since is lost, so it asks first. The data as it is now
    is kept as a checkpoint, to go forward again.

    \b
    Example: silver activate polls.example.com prev
             silver activate polls.example.com polls.20261122_001
             silver activate '*.example.com' prev
             silver activate polls.example.com prev --with-data
    """
    extra: dict[str, object] = {"location": list(locations), "instance": instance, "node": node}
    if with_data or checkpoint:
        extra["checkpoint"] = checkpoint or "newest"
        if not yes:
            _confirm_data(extra)
    return playbook.run("activate", extra, verbosity=verbosity)


@click.command()
@click.argument("locations", metavar="LOCATION...", nargs=-1, required=True)
@_node
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.verbosity
def deactivate(locations: tuple[str, ...], node: str | None, yes: bool, verbosity: int) -> int:
    """Take locations away, at once.

    LOCATION may have wildcards. If more than one location is meant, it asks. The instances stay on
    the node until they are pruned or cleaned away, the application's data stays for good; so
    'silver activate LOCATION INSTANCE' brings a location back.

    \b
    Example: silver deactivate polls.example.com
             silver deactivate '*.test.example.com'
    """
    extra: dict[str, object] = {"location": list(locations), "node": node}
    if not yes:
        _confirm(locations, extra)
    return playbook.run("deactivate", extra, verbosity=verbosity)


@click.command("clean-node")
@click.argument("node", required=False)
@click.option("-n", "--dry-run", is_flag=True, help="Tell only what would be removed.")
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Instances of each application to keep beside the active and previous ones. [default: 0]",
)
@options.verbosity
def clean_node(node: str | None, dry_run: bool, keep: int, verbosity: int) -> int:
    """Remove from a node what nothing needs any more.

    That is instances that are neither active nor the previous one of a location, and uploads that
    came to no end. It tells how much room each gives back.

    \b
    Example: silver clean-node web1 -n
             silver clean-node web1 --keep 1
    """
    extra = {"node": node, "keep": keep, "tell": dry_run or None}
    return playbook.run("clean-node", extra, verbosity=verbosity)


def _confirm_data(extra: dict[str, object]) -> None:
    """Ask whether what was written since a checkpoint may be lost."""
    from silverlining.cli.confirmation import confirm
    from silverlining.remote import ages

    for node, answer in playbook.answers("activate", {**extra, "tell": True}).items():
        if "back" not in answer:
            raise SilverError(str(answer.get("msg", f"{node} did not answer")))
        back = answer["back"]
        age = ages.ago(back["created"])
        why = f"what was written to {back['app']} since {age} is lost"
        confirm(
            f"Put back the data of {back['app']} on {node} as it was {age}, {back['reason']}? The"
            f" site loses what was written since; a checkpoint of {back['left']} keeps it.",
            why,
        )


def _confirm(locations: tuple[str, ...], extra: dict[str, object]) -> None:
    """Ask if more than one location is meant."""
    from silverlining.cli.confirmation import confirm

    meant = set(locations)
    if any(set(each) & set("*?") for each in locations):
        meant = _meant(extra)
    if len(meant) > 1:
        question = f"Take away {', '.join(sorted(meant))}?"
        confirm(question, f"{len(meant)} locations are meant: {', '.join(sorted(meant))}")


def _meant(extra: dict[str, object]) -> set[str]:
    """Return the locations that would be taken away."""
    answers = playbook.answers("deactivate", {**extra, "tell": True}).values()
    for answer in answers:
        if "locations" not in answer:
            raise SilverError(str(answer.get("msg", "the node did not answer")))
    return {location for answer in answers for location in answer["locations"]}
