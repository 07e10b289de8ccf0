"""How a user names an image or a size: ``id X``, ``name *24.04*``, ``ram 2048``, ``first …``."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from silversupport.errors import SilverError

_FIELDS = ("id", "name", "ram")
_LISTED = 20


class PatternError(SilverError):
    """A PATTERN cannot be read, or does not name exactly one thing."""


class Choice(Protocol):
    """What images and sizes have in common."""

    id: str
    name: str


T = TypeVar("T", bound=Choice)


@dataclass(frozen=True)
class Pattern:
    """A parsed PATTERN.

    Attributes:
        field: ``id``, ``name`` or ``ram``.
        value: What the field must be; for a name, a shell pattern, compared without case.
        first: Whether the first of several matches is wanted.
    """

    field: str
    value: str
    first: bool = False

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a PATTERN.

        Args:
            text: ``[first] id X``, ``[first] name GLOB`` or ``[first] ram MEGABYTES``.

        Raises:
            PatternError: It is something else.
        """
        words = text.split()
        first = words[:1] == ["first"]
        field, *rest = words[first:] or [""]
        value = " ".join(rest)
        if field not in _FIELDS or not value or (field == "ram" and not value.isdecimal()):
            raise PatternError(
                f"Bad pattern {text!r}: write 'id X', 'name *24.04*' or 'ram 2048' (MB), "
                "with 'first' before it to take the first of several."
            )
        return cls(field, value, first)

    def matches(self, item: Choice) -> bool:
        """Return whether an image or a size is named by this pattern."""
        actual = str(getattr(item, self.field, ""))
        if self.field == "name":
            return fnmatchcase(actual.lower(), self.value.lower())
        return actual == self.value

    def __str__(self) -> str:
        return f"{'first ' if self.first else ''}{self.field} {self.value}"


def select(items: Sequence[T], text: str, what: str) -> T:
    """Return the one image or size that a PATTERN names.

    Args:
        items: What the provider offers.
        text: The PATTERN.
        what: ``image`` or ``size``, for messages.

    Raises:
        PatternError: The pattern cannot be read, names nothing, or several without ``first``.
    """
    pattern = Pattern.parse(text)
    found = [item for item in items if pattern.matches(item)]
    if not found:
        raise PatternError(f"No {what} matches {text!r}; there are: {_list(items)}.")
    if len(found) > 1 and not pattern.first:
        raise PatternError(
            f"{len(found)} {what}s match {text!r}: {_list(found)}. "
            f"Name one of them, or take the first with 'first {text}'."
        )
    return found[0]


def _list(items: Sequence[Choice]) -> str:
    shown = ", ".join(_describe(item) for item in items[:_LISTED])
    more = len(items) - _LISTED
    return f"{shown or 'none'}{f' and {more} more' if more > 0 else ''}"


def _describe(item: Choice) -> str:
    details = [f"id {item.id}"] if item.id != item.name else []
    if getattr(item, "ram", None):
        details.append(f"ram {getattr(item, 'ram')}")  # noqa: B009 (only sizes have it)
    return f"{item.name} ({', '.join(details)})" if details else item.name
