"""Which locations of a node a person means, who may write `*` and `?` for what is in between."""

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from silvernode.errors import NodeError
from silvernode.routing.registry import Registry


def select(routes: Registry, patterns: Iterable[str]) -> list[str]:
    """Return the locations that are meant, each once.

    Args:
        routes: the node's routes.
        patterns: locations, or patterns as in a shell. One that is itself a location, such as
            `*.example.com`, means that location and no other.

    Raises:
        NodeError: one of them means nothing that is served here; names the near ones.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        meant = matching(routes, pattern)
        if not meant:
            raise unknown(routes, pattern)
        found |= dict.fromkeys(meant)
    return list(found)


def matching(routes: Registry, pattern: str) -> Sequence[str]:
    """Return the locations that a location or a pattern means; there may be none."""
    if pattern in routes.locations:
        return [pattern]
    if not has_wildcard(pattern):
        return []
    return sorted(each for each in routes.locations if fnmatchcase(each, pattern))


def has_wildcard(pattern: str) -> bool:
    """Tell whether a text may mean several locations."""
    return "*" in pattern or "?" in pattern


def unknown(routes: Registry, location: str) -> NodeError:
    """Return the error for a location at which nothing is served."""
    near = difflib.get_close_matches(location, routes.locations) or sorted(routes.locations)
    there = f"there is {', '.join(near)}" if near else "nothing was deployed to it yet"
    return NodeError(f"nothing is served at {location} on this node; {there}")
