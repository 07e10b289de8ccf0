"""Commands that keep visitors out of a site, and let them in again."""

from collections.abc import Callable

import click

from silverlining import playbook
from silverlining.cli import options

Command = Callable[..., int]


def _meant(command: Command) -> Command:
    """Give a command the options that say what it is about."""
    for option in (
        click.option("--node", metavar="NAME", help="A node or a set, where there are several."),
        click.option(
            "--by-location",
            "locations",
            metavar="LOCATION",
            multiple=True,
            help="A location; it may have wildcards. May be given several times.",
        ),
        click.option(
            "--by-name",
            "apps",
            metavar="APP",
            multiple=True,
            help="An application, at all of its locations. May be given several times.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@_meant
@options.verbosity
def disable(
    apps: tuple[str, ...], locations: tuple[str, ...], node: str | None, verbosity: int
) -> int:
    """Show visitors a maintenance page, at once and until 'silver enable'.

    They get status 503 and the page of the application that is deployed to the location
    'disabled', if there is one. 'silver run', 'backup', 'restore' and 'update' go on working, and
    so do requests made on the node itself.

    \b
    Example: silver disable --by-name polls
             silver disable --by-location polls.example.com --by-location example.com/blog
    """
    return _run("disable", apps, locations, node, verbosity)


@click.command()
@_meant
@options.verbosity
def enable(
    apps: tuple[str, ...], locations: tuple[str, ...], node: str | None, verbosity: int
) -> int:
    """Let the visitors of a site in again that was disabled.

    \b
    Example: silver enable --by-name polls
             silver enable --by-location polls.example.com
    """
    return _run("enable", apps, locations, node, verbosity)


def _run(
    name: str,
    apps: tuple[str, ...],
    locations: tuple[str, ...],
    node: str | None,
    verbosity: int,
) -> int:
    if not apps and not locations:
        raise click.UsageError(
            "say what: --by-name APP or --by-location LOCATION", click.get_current_context()
        )
    extra = {"app": list(apps), "location": list(locations), "node": node}
    return playbook.run(name, extra, verbosity=verbosity)
