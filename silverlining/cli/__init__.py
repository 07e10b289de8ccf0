"""The command ``silver``.

Whatever changes a server is a playbook: the commands here turn their arguments into its variables.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click
from click.exceptions import NoSuchCommand

from silverlining import playbook
from silversupport import VERSION
from silversupport.errors import SilverError

COMMANDS = {
    "activate": "switching",
    "backup": "data",
    "backup-all": "schedule",
    "clean-node": "switching",
    "clear": "data",
    "completion": "completion",
    "create-config": "config",
    "create-node": "nodes",
    "create-nodes": "nodes",
    "deactivate": "switching",
    "demo": "project",
    "destroy-node": "nodes",
    "diff": "apps",
    "disable": "maintenance",
    "doctor": "doctor",
    "drill-all": "schedule",
    "enable": "maintenance",
    "init": "init",
    "list-backups": "data",
    "list-images": "nodes",
    "list-nodes": "nodes",
    "list-sizes": "nodes",
    "logs": "logs",
    "query": "query",
    "restore": "data",
    "run": "run",
    "serve": "serve",
    "setup-node": "nodes",
    "test": "project",
    "update": "apps",
}
"""In which module of this package a command is."""

SECTIONS = {
    "An application, on this machine": ("init", "serve", "create-config"),
    "An application, on its node": ("diff", "update", "run", "logs", "query"),
    "A site": ("activate", "deactivate", "disable", "enable"),
    "The data of an application": ("backup", "list-backups", "restore", "clear"),
    "Nodes": (
        "create-node",
        "create-nodes",
        "setup-node",
        "destroy-node",
        "list-nodes",
        "list-images",
        "list-sizes",
        "doctor",
        "clean-node",
        "backup-all",
        "drill-all",
    ),
    "This project": ("demo", "test", "completion"),
}
"""How `silver --help` lists the commands."""

WIDTH = 78
"""Of a line of that list."""


class Commands(click.Group):
    """Imports a command when it is asked for: all of them together take a third of a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the commands, each with the first sentence of its help."""
        width = max(map(len, COMMANDS))
        for title, names in SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            rows = [
                (f"{name:{width}}", command.get_short_help_str(WIDTH))
                for name, command in commands.items()
                if command
            ]
            with formatter.section(title):
                formatter.write_dl(rows or [("", "")])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"silverlining.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant; the error for a mistyped one names the near ones."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx) from error


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, prog_name="silver", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Push a directory to your own servers and it is a running web site.

    Begin with './silver demo': from a bare machine to three served sites.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit status.

    A user's mistake is one line on standard error.

    Args:
        arguments: The command line without the program's name; by default the process's own.
    """
    try:
        sys.exit(cli.main(arguments, prog_name="silver", standalone_mode=False) or 0)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "silver"
        _end(f"{error.format_message()} (see '{path} --help')", error.exit_code)
    except click.ClickException as error:
        _end(error.format_message(), error.exit_code)
    except SilverError as error:
        _end(str(error), 1)
    except (click.Abort, KeyboardInterrupt):
        _end("interrupted", playbook.INTERRUPTED)
    except BrokenPipeError:
        # Nobody reads on, as in `silver list-sizes | head`: keep Python's own last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # A full disk, a directory that may not be written
        _end(str(error), 1)


def _end(message: str, status: int) -> None:
    click.echo(f"silver: {message}", err=True)
    sys.exit(status)
