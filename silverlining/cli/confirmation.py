"""The question before something is destroyed."""

import sys

import click

from silversupport.errors import SilverError


class ConfirmationError(SilverError):
    """A command that destroys something was not confirmed."""


def confirm(question: str) -> None:
    """Ask, and end the command unless the answer is yes.

    Raises:
        ConfirmationError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise ConfirmationError("this destroys data, and there is no terminal to ask: say --yes")
    click.confirm(question, abort=True, err=True)
