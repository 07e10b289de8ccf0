"""Commands for applications."""

from pathlib import Path

import click

from silverlining import playbook


@click.command()
@click.argument(
    "directory", metavar="[DIR]", default=".", type=click.Path(resolve_path=True, path_type=Path)
)
@click.argument("location", required=False)
@click.option("--node", help="A node or a set, where there are several.")
def update(directory: Path, location: str | None, node: str | None) -> int:
    """Upload an application, check it, and switch its location to it.

    DIR is the directory with its app.ini, LOCATION is HOST or HOST/PATH; by default they are this
    directory and the default_location of app.ini.

    \b
    Example: silver update ~/polls polls.example.com --node web1
    """
    return playbook.run("deploy", {"app": str(directory), "location": location, "node": node})
