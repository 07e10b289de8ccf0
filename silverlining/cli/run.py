"""The command that runs a script of an app on its node."""

import sys
from typing import Any

import click

from silversupport.errors import SilverError

FAILED = 125
"""The exit status where the script was not run, so that the script's own can be told apart."""

CRON = "--cron"
"""Also understood after LOCATION, where no other option is: no script has such a name."""

PROMPTS = ("python", "python3", "psql")
"""What talks to a person when it is given no arguments."""


class RunUsageError(click.UsageError):
    """A wrong command line, told from a script that ends with status 2."""

    exit_code = FAILED


class RunCommand(click.Command):
    """Has an exit status of its own for a command line that is wrong."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the command line."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise RunUsageError(error.format_message(), error.ctx) from error


@click.command(
    cls=RunCommand,
    # From LOCATION on, nothing is an option of ours.
    context_settings={"allow_interspersed_args": False},
)
@click.argument("location")
@click.argument("script", required=False, default="")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("-i", "--interactive", is_flag=True, help="Give it a terminal.")
@click.option("--no-upload", is_flag=True, help="Leave names of local files in ARGS alone.")
@click.option("--node", metavar="NAME", help="A node or a set, where there are several.")
@click.option("--cron", metavar="NAME", help="In place of SCRIPT: run a cron job of app.ini now.")
def run(
    location: str,
    script: str,
    arguments: tuple[str, ...],
    interactive: bool,
    no_upload: bool,
    node: str | None,
    cron: str | None,
) -> int:
    """Run a script of an application on its node.

    SCRIPT is a file of the application's bin/, a path in the application, or a program of the
    node. It has the environment, user, limits and sandbox of the active instance; the one before
    is addressed by prev.LOCATION. Files of this machine that are named in ARGS are uploaded, and
    removed again afterwards.

    'python' gives a prompt in the application's environment, 'psql' one of its database.

    The exit status is the script's, 128+N if signal N ended it; 127 if there is no such script,
    126 if it cannot be executed, 125 if something else kept it from being run or the connection was
    lost.

    With --cron the job has the user, limits and log that it has when its time comes, which it does
    not meanwhile: a job never runs twice at once.

    \b
    Example: silver run polls.test manage.py migrate --noinput
             silver run polls.test import.py people.csv
             silver run polls.test python
             silver run polls.test --cron nightly
    """
    from silverlining.remote import running

    if script == CRON:
        if len(arguments) != 1:
            raise RunUsageError("after --cron comes the name of one cron job: --cron NAME")
        (cron,), script, arguments = arguments, "", ()
    if bool(script) == bool(cron):
        raise RunUsageError("give it a SCRIPT, or --cron NAME and nothing more")
    if interactive and cron:
        raise RunUsageError("a cron job has no terminal: leave -i out")
    if interactive and not sys.stdin.isatty():
        raise RunUsageError("-i needs a terminal, and standard input is none")
    prompt = script in PROMPTS and not arguments and sys.stdin.isatty() and sys.stdout.isatty()
    wanted = running.Run(location, script, arguments, tty=interactive or prompt, cron=cron or "")
    try:
        return running.run(wanted, node, upload=not no_upload)
    except SilverError as error:
        click.echo(f"silver: {error}", err=True)
        return FAILED
