"""Releases of Silver Lining: a node and the laptop that talks to it have to be of the same one."""

import re

DIFFERENT = re.compile(r"was set up by Silver Lining (?P<theirs>[\w.]+), this is ")
"""Finds the node's version in what it said of one that differs, whichever release it is of."""


def difference(node: str, theirs: str, ours: str) -> str:
    """Return what to tell an operator whose node is of another release, and what to do.

    Args:
        node: the node's name.
        theirs: its version.
        ours: the version on the laptop.
    """
    what = f"{node} was set up by Silver Lining {theirs}, this is {ours}"
    if is_newer(theirs, ours):
        return f"{what}: the node is newer; update the Silver Lining that you work with"
    return f"{what}: bring it up to date with: ./silver setup-node {node}"


def is_newer(version: str, other: str) -> bool:
    """Tell whether a version, such as `0.10.0`, is newer than another."""
    return _numbers(version) > _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
