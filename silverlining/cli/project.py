"""Commands for the project itself: the demonstration and the checks."""

import click

from silverlining import checks
from silverlining import demo as demonstration


@click.command()
@click.option("--destroy", is_flag=True, help="Remove all that the demonstration made.")
@click.option("-v", "--verbose", is_flag=True, help="Show what Ansible prints.")
def demo(destroy: bool, verbose: bool) -> int:
    """Go from a bare machine to three served sites.

    Makes a local node in the Docker engine, which is installed if it is missing, sets it up, and
    deploys the sample applications. A second run takes seconds and changes nothing.

    \b
    Example: ./silver demo
    """
    return demonstration.destroy(verbose) if destroy else demonstration.run(verbose)


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(checks.PARTS))
def test(parts: tuple[str, ...]) -> int:
    """Run the checks of the project: all of them, or some PARTS.

    \b
    Example: ./silver test lint unit
    """
    return checks.run(parts or checks.PARTS)
