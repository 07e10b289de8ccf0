"""The command that sets up a shell."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete `silver` commands, options and directories.

    \b
    Example: silver completion bash >> ~/.bashrc
             silver completion zsh >> ~/.zshrc
             silver completion fish > ~/.config/fish/completions/silver.fish
    """
    root = click.get_current_context().find_root().command
    shell_class = get_completion_class(shell)
    assert shell_class  # noqa: S101 - for the type checker: click has these three
    click.echo(shell_class(root, {}, "silver", "_SILVER_COMPLETE").source())
