"""The pages' templates."""

from functools import cache
from pathlib import Path

from tempita import HTMLTemplate

DIRECTORY = Path(__file__).with_name("templates")


@cache
def load(name: str) -> HTMLTemplate:
    """Read and parse a template, once in the life of a process.

    Args:
        name: The template's file name.

    Returns:
        A template that escapes every value it is given, and can `{{inherit}}` from another one.
    """
    path = DIRECTORY / name
    return HTMLTemplate(
        path.read_text("utf-8"), name=str(path), get_template=lambda parent, _: load(parent)
    )


def render(name: str, /, **values: object) -> str:
    """Draw a page.

    Args:
        name: The template's file name.
        values: The names it may use.

    Returns:
        The page, as HTML.
    """
    page: str = load(name).substitute(values)
    return page
