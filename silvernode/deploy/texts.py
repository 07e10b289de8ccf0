"""What is in an instance's files, for who wants to see what an update would change."""

from collections.abc import Iterable
from pathlib import Path

from silvernode import instances
from silvernode.errors import NodeError
from silvernode.layout import Layout

FILE_BYTES = 100_000
ALL_BYTES = 5_000_000


def read(layout: Layout, instance: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the texts of some files of an instance.

    Left out is what is no text or too big, and, after five megabytes, the rest.

    Args:
        layout: the node's paths.
        instance: the instance.
        paths: the files, relative to the instance's root.

    Raises:
        NodeError: it is not the name of an instance.
    """
    if not instances.NAME.fullmatch(instance):
        raise NodeError(f"not the name of an instance: {instance!r}")
    tree = layout.www / instance
    found: dict[str, str] = {}
    room = ALL_BYTES
    for path in paths:
        text = _text(tree, path)
        if text is not None and len(text) <= room:
            found[path] = text
            room -= len(text)
    return found


def _text(tree: Path, path: str) -> str | None:
    """Return a file's text; None for a file outside the tree, a big one, or one without a text."""
    file = (tree / path).resolve()
    if not (file.is_relative_to(tree.resolve()) and file.is_file()):
        return None
    with file.open("rb") as content:
        data = content.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
