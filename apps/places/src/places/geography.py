"""Places on the earth."""

from dataclasses import dataclass
from math import atan2, cos, pi, radians, sin

FARTHEST = 20_040  # kilometres: no two places on the earth are farther apart


@dataclass(frozen=True)
class Point:
    """A point on the earth (WGS 84), in degrees north and east."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Place:
    """A point with a name."""

    name: str
    point: Point


@dataclass(frozen=True)
class Neighbour:
    """A place, and how far it is, in kilometres, from the point that was asked about."""

    place: Place
    distance: float


@dataclass(frozen=True)
class Search:
    """A question for the places around a point, within a distance in kilometres."""

    center: Point
    within: float


def direction(start: Point, end: Point) -> float:
    """Return in which direction one sets out from a point to another.

    The formula is that of the initial bearing of a great circle.

    Args:
        start: Where one is.
        end: Where one wants to go.

    Returns:
        The direction in radians, clockwise from north: 0 <= direction < 2 pi.
    """
    here, there = radians(start.lat), radians(end.lat)
    turn = radians(end.lon - start.lon)
    east = sin(turn) * cos(there)
    north = cos(here) * sin(there) - sin(here) * cos(there) * cos(turn)
    return atan2(east, north) % (2 * pi)
