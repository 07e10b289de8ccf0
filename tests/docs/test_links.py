"""Links between the pages lead somewhere, and every page can be found."""

import re
from pathlib import Path

import pytest

from silverlining.playbook import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def links(page: Path) -> set[tuple[Path, str]]:
    """Targets of a page's links to other files and to headings."""
    found = LINK.finditer(re.sub(r"\s*\n\s*", " ", prose(page)))
    return {
        ((page.parent / each["file"]).resolve() if each["file"] else page, each["anchor"] or "")
        for each in found
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [str(target) for target, _ in links(page) if not target.exists()]
    lost = [f"{file}#{a}" for file, a in links(page) if a and a not in anchors(file)]
    assert (missing, lost) == ([], [])


def test_every_page_is_found_from_the_readme() -> None:
    found, new = set(), {PAGES[0]}
    while new:
        found |= new
        targets = {target for page in new for target, _ in links(page)}
        new = {target for target in targets if target in PAGES} - found
    assert found == set(PAGES)
