"""The commands of README.md and docs/, run as a reader would: in order, in the root, on a node.

Every `sh` block is run; a `text` block is shown only. The README's first block makes the demo, its
last one removes it, and the other pages are read in between.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from silverlining import paths

ROOT = Path(__file__).parents[2]
PAGES = ("docs/deploying.md", "docs/variables.md", "docs/nodes.md")
DEMO_LINE = re.compile(r"^http://(?P<host>\S+?)/  (?P<address>\S+)  (?P<status>\S+)$", re.M)
AGAIN_SECONDS = 30


def blocks(page: str) -> list[str]:
    """The `sh` blocks of a page."""
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)


def run(script: str) -> str:
    """Type a block into a shell; what it printed, once it has succeeded."""
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=os.environ | {"TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    sys.stdout.write(f"$ {script.strip()}\n{done.stdout}({seconds:.1f} s)\n")
    assert done.returncode == 0
    return done.stdout


def sites(output: str) -> list[tuple[str, str, str]]:
    """The lines that the demo ends with: host, address, status."""
    return [match.group("host", "address", "status") for match in DEMO_LINE.finditer(output)]


@pytest.fixture(scope="module")
def demo() -> str:
    """What `./silver demo` printed."""
    return run(blocks("README.md")[0])


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
    output = "".join(run(block) for block in blocks("README.md")[1:-1])
    assert "failed=0" in output


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_manual_work_as_shown(page: str) -> None:
    for block in blocks(page):
        run(block)


@pytest.mark.usefixtures("demo")
def test_destroying_the_demo_leaves_nothing_behind() -> None:
    run(blocks("README.md")[-1])
    engine = "docker ps --all --quiet --filter label=silverlining.node=demo"
    assert run(engine).strip() == ""
    assert "# silver demo" not in Path("/etc/hosts").read_text()
    assert "demo " not in paths.known_hosts().read_text()
    run(blocks("README.md")[-1])
