"""Commands for the project itself: the demonstration and the checks."""

from pathlib import Path

import click

from silverlining import checks
from silverlining import demo as demonstration
from silverlining.cli import options


@click.command()
@click.option("--destroy", is_flag=True, help="Remove all that the demonstration made.")
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="A file of inventory/, *.libcloud.yml: the node is made there.",
)
@options.wait_timeout
@click.option("-v", "--verbose", is_flag=True, help="Show what Ansible prints.")
def demo(destroy: bool, source: Path | None, wait_timeout: int | None, verbose: bool) -> int:
    """Go from a bare machine to three served sites.

    Makes a local node in the Docker engine, which is installed if it is missing, sets it up, and
    deploys the sample applications. A second run takes seconds and changes nothing. With --source
    the node is one of a cloud, which may cost money until --destroy removes it.

    \b
    Example: ./silver demo
             ./silver demo --source inventory/amazon.libcloud.yml
    """
    if destroy:
        return demonstration.destroy(verbose, source)
    return demonstration.run(verbose, source, wait_timeout)


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(checks.PARTS))
def test(parts: tuple[str, ...]) -> int:
    """Run the checks of the project: all of them, or some PARTS.

    \b
    Example: ./silver test lint unit
    """
    return checks.run(parts or checks.PARTS)
