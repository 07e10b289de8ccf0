"""The command for an application's deployment configuration."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from silverlining.app.locations import Location
from silversupport.errors import SilverError

_SECRET = re.compile("password|secret|token|key", re.I)


class MissingError(SilverError):
    """Values are needed, and there is nobody to ask."""


def _settings(
    context: click.Context, parameter: click.Parameter, given: Sequence[str]
) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, sign, _ in pairs:
        if not (sign and name.isidentifier()):
            raise click.BadParameter(f"{name + sign!r}: write NAME=VALUE", context, parameter)
    return {name: value for name, _, value in pairs}


@click.command("create-config")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--location", help="HOST or HOST/PATH. [default: default_location of app.ini]")
@click.option(
    "--set",
    "values",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_settings,
    help="Give a variable of the template a value; may be repeated.",
)
@click.option("--force", is_flag=True, help="Replace files that are in OUT.")
def create_config(
    directory: Path, out: Path, location: str | None, values: dict[str, str], force: bool
) -> int:
    """Fill in an application's configuration template.

    DIR is the application, whose app.ini has a config.template; OUT is the directory to write to,
    for 'silver update --config'. What the template needs and --set does not give is asked for.

    \b
    Example: silver create-config polls polls-config --set admin=ann@example.com
    """
    # Jinja2 and the checks of app.ini take time to load.
    from silverlining.develop import config_output, config_template, new_config

    app = new_config.read(directory)
    config_output.check_target(out, directory, force)
    given = [str(Location.parse(location))] if location else []
    where = given[0] if given else app.location
    template = config_template.read(app.directory, app.template, app.name, where)
    template.check(values)
    files = template.filled(values | _ask(template.missing(values)))
    try:
        config_output.write(files, out)
    except OSError as error:
        raise SilverError(f"{out}: cannot be written ({error.strerror})") from error
    for name in files:
        click.echo(f"Wrote {out / name}")
    new_config.check(app, out, click.echo)
    command = ["silver", "update", str(directory), *given, "--config", str(out)]
    click.echo(f"Next: {shlex.join(command)}")
    return 0


def _ask(names: list[str]) -> dict[str, str]:
    if names and not sys.stdin.isatty():
        options = " ".join(f"--set {name}=…" for name in names)
        raise MissingError(f"the template needs values, and there is no terminal to ask: {options}")
    return {
        name: click.prompt(name, hide_input=bool(_SECRET.search(name)), err=True) for name in names
    }
