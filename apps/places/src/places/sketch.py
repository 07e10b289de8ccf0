"""A map without a map: places by direction and distance around a point."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, sin

from places.geography import Neighbour, Search, direction

RADIUS = 100  # units of the drawing from its middle to the distance that was searched


@dataclass(frozen=True)
class Dot:
    """A place on the sketch: its number in the list, and its coordinates to the right and down."""

    number: int
    x: float
    y: float


def draw(search: Search, neighbours: Iterable[Neighbour]) -> list[Dot]:
    """Place neighbours on the sketch, with north at the top.

    Args:
        search: The search; its point is in the middle.
        neighbours: What was found.

    Returns:
        A dot for each neighbour, numbered from 1.
    """
    dots = []
    for number, neighbour in enumerate(neighbours, 1):
        towards = direction(search.center, neighbour.place.point)
        away = RADIUS * neighbour.distance / (search.within or 1)
        dots.append(Dot(number, round(away * sin(towards), 1), round(-away * cos(towards), 1)))
    return dots
