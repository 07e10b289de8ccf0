"""The question before something is destroyed."""

import sys

import click

from silversupport.errors import SilverError


class ConfirmationError(SilverError):
    """A command that destroys something was not confirmed."""


def confirm(question: str, why: str = "this destroys data") -> None:
    """Ask, and end the command unless the answer is yes.

    Args:
        question: what is asked.
        why: why it is asked, for the error where there is nobody to ask.

    Raises:
        ConfirmationError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise ConfirmationError(f"{why}, and there is no terminal to ask: say --yes")
    click.confirm(question, abort=True, err=True)
