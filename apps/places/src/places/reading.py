"""From what a visitor or a program sent to places and searches."""

from collections.abc import Mapping
from math import isfinite

from places.geography import FARTHEST, Place, Point, Search

LONGEST_NAME = 100  # characters
DEFAULT_DISTANCE = 1000.0  # kilometres


class MistakesError(Exception):
    """What was sent cannot be used.

    Args:
        fields: What to say about each field that is wrong.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {mistake}" for name, mistake in fields.items()))
        self.fields = fields


class Reader:
    """Reads fields one after another and collects the mistakes, to tell them all at once.

    Args:
        values: What was sent: texts of a form, or what JSON can hold.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        self.mistakes: dict[str, str] = {}

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """Read a number from `low` to `high`; a missing one is a mistake if there is no default."""
        value = self.values.get(name, "")
        if default is not None and value == "":
            return default
        number = to_number(value)
        if number is None or not low <= number <= high:
            self.mistakes[name] = f"This must be a number from {low:g} to {high:g}."
            return low
        return number

    def name(self, name: str) -> str:
        """Read a line of text that is not empty."""
        value = self.values.get(name, "")
        text = value.strip() if isinstance(value, str) else ""
        if not text:
            self.mistakes[name] = "This must be a text that is not empty."
        elif len(text) > LONGEST_NAME:
            self.mistakes[name] = f"This must have at most {LONGEST_NAME} characters."
        elif not text.isprintable():
            self.mistakes[name] = "This must be one line of ordinary characters."
        return text

    def point(self) -> Point:
        """Read a point."""
        return Point(self.number("lat", -90, 90), self.number("lon", -180, 180))

    def check(self) -> None:
        """End reading.

        Raises:
            MistakesError: There were mistakes.
        """
        if self.mistakes:
            raise MistakesError(self.mistakes)


def to_number(value: object) -> float | None:
    """Return a finite number for a text or a number, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def read_place(values: Mapping[str, object]) -> Place:
    """Read a place of the fields name, lat and lon.

    Raises:
        MistakesError: Fields are missing or wrong.
    """
    reader = Reader(values)
    place = Place(reader.name("name"), reader.point())
    reader.check()
    return place


def read_search(values: Mapping[str, object]) -> Search:
    """Read a search of the fields lat, lon and within (kilometres; it has a default).

    Raises:
        MistakesError: Fields are missing or wrong.
    """
    reader = Reader(values)
    search = Search(reader.point(), reader.number("within", 0, FARTHEST, DEFAULT_DISTANCE))
    reader.check()
    return search
