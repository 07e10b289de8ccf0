"""What the doctor says of one thing."""

from dataclasses import dataclass

OK, NOTE, WRONG = "ok", "note", "wrong"
"""States of a finding: all is well; worth knowing; something has to be done."""


@dataclass(frozen=True)
class Finding:
    """What was found when one thing was looked at.

    Attributes:
        check: the name of the check, such as `disk`.
        state: `ok`, `note` or `wrong`.
        text: what was found, a line.
        fix: what to do; empty if there is nothing to do.
    """

    check: str
    state: str
    text: str
    fix: str = ""


def ok(check: str, text: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(check, OK, text)


def note(check: str, text: str) -> Finding:
    """Return a finding that is worth knowing, and nothing to worry about."""
    return Finding(check, NOTE, text)


def wrong(check: str, text: str, fix: str) -> Finding:
    """Return the finding that something has to be done.

    Args:
        check: the name of the check.
        text: what was found.
        fix: what to do.
    """
    return Finding(check, WRONG, text, fix)
