"""The commands of README.md and docs/, run as a reader would: in order, in the root, on a node.

Every `sh` block is run; a `text` block is shown only. The README's first block makes the demo, and
its last one removes it, after all other pages (`test_removal.py`).
"""

import re
import time

import pytest
import requests

from docs.tests.pages import commands, others
from docs.tests.root import run

DEMO_LINE = re.compile(r"^http://(?P<host>\S+?)/  (?P<address>\S+)  (?P<status>\S+)$", re.M)
AGAIN_SECONDS = 30


def sites(output: str) -> list[tuple[str, str, str]]:
    """The lines that the demo ends with: host, address, status."""
    return [(m["host"], m["address"], m["status"]) for m in DEMO_LINE.finditer(output)]


def test_demo_serves_three_applications_through_port_80(demo: str) -> None:
    found = sites(demo)
    assert [host for host, *_ in found] == ["hello.test", "questioner.test", "places.test"]
    for host, address, status in found:
        answer = requests.get(f"http://{address}/", headers={"Host": host}, timeout=20)
        assert (status, answer.status_code) == ("200", 200)
        assert "varnish" in answer.headers["Via"].lower()
        assert host.partition(".")[0] in answer.text.lower()


def test_demo_finds_the_nearest_place_with_postgis(demo: str) -> None:
    address = sites(demo)[0][1]
    where = {"lat": "48.8566", "lon": "2.3522", "within": "500"}
    answer = requests.get(
        f"http://{address}/api/places", params=where, headers={"Host": "places.test"}, timeout=20
    )
    assert answer.json()["places"][0]["name"] == "Eiffel Tower, Paris"


def test_second_demo_changes_nothing_in_seconds(demo: str) -> None:
    started = time.monotonic()
    again = run("./silver demo")
    seconds = time.monotonic() - started
    assert "Nothing was changed." in again
    assert sites(again) == sites(demo)
    assert seconds < AGAIN_SECONDS


@pytest.mark.usefixtures("demo")
def test_commands_of_the_readme_work_as_shown() -> None:
    output = "".join(run(block) for block in commands("README.md")[1:-1])
    assert "failed=0" in output


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("page", others())
def test_commands_of_the_manual_work_as_shown(page: str) -> None:
    for block in commands(page):
        run(block)
