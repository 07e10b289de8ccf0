"""A node that the previous release set up is brought to this one while it serves.

The tests are one story, in the order of this file.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from silversupport import VERSION
from tests.support import apps, runs
from tests.support.load import Load
from tests.support.node import Figure, Node, seen

PREVIOUS_VERSION = "0.2.0"
HELLO, PLACES, QUESTIONER = (f"{app}.upgrade.test" for app in ("hello", "places", "questioner"))
CAMPS = "/api/places?lat=-80&lon=100&within=1000"
SSH_CONFIG = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "ssh_config"
RELEASE_FILES = (
    "/etc/silverlining/release.json /usr/local/share/silverlining/silversupport/__init__.py"
)
VARNISH = "/etc/systemd/system/varnish.service.d/silver.conf"
POSTGRESQL = "/etc/postgresql/15/main/conf.d/silverlining.conf"
PIDS = "systemctl show --property=MainPID --value varnish postgresql@15-main 'silver-*'"


@pytest.fixture(scope="module")
def site() -> Node:
    return Node.find("molecule-upgrade", SSH_CONFIG)


@pytest.fixture
def newer(site: Node) -> Iterator[Node]:
    """The node as a later release would have left it."""
    site.sh(f"sed -i 's/{re.escape(VERSION)}/99.1.0/' {RELEASE_FILES}")
    yield site
    site.sh(f"sed -i 's/99.1.0/{VERSION}/' {RELEASE_FILES}")


def provision(site: Node, *arguments: str) -> runs.Run:
    return runs.run("provision.yml", {"node": site.name}, *arguments)


def served(site: Node) -> dict[str, tuple[str, str]]:
    """Return the active and the previous instance of each location."""
    locations = site.registry()["locations"].items()
    return {name: (route["instance"], route["previous"]) for name, route in locations}


def in_force(site: Node) -> tuple[str, str]:
    """Return a setting of Varnish and one of PostgreSQL, as the servers that run have them."""
    varnish = site.sh("ps -o args= -C varnishd | grep -o 'malloc,[^ ]*' | head -n 1")
    return varnish, site.sh("su postgres -c 'psql -Atc \"SHOW max_connections\"'")


def camps(site: Node) -> list[str]:
    """Return the places that visitors entered before the upgrade."""
    return sorted(place["name"] for place in site.page(PLACES, CAMPS).json()["places"])


def visitors(site: Node) -> list[str]:
    """Return the files that an app kept before the upgrade."""
    return site.sh("cat $(ls -v /var/lib/silverlining/files/questioner/*.txt)").splitlines()


def test_it_serves_what_the_previous_release_deployed(site: Node) -> None:
    assert site.registry()["version"] == PREVIOUS_VERSION
    assert site.active(HELLO) in site.page(HELLO).text
    assert site.registry()["locations"][HELLO]["previous"] in site.page(f"prev.{HELLO}").text
    assert camps(site) == sorted(f"Camp {number}" for number in range(20))
    assert visitors(site) == [f"Visitor {number}" for number in range(1, 21)]
    assert "Cloud Watchers" in site.page(QUESTIONER).text


def test_a_deploy_says_that_it_is_older_and_what_to_type(site: Node) -> None:
    run = site.deploy(apps.sample("hello"), HELLO)
    assert run.status != 0
    assert (
        f"{site.name} was set up by Silver Lining {PREVIOUS_VERSION}, this is {VERSION}:"
        f" bring it up to date with: ./silver setup-node {site.name}"
    ) in run.words, run
    assert site.active(HELLO) in site.page(HELLO).text


def test_a_query_says_so_too(site: Node) -> None:
    run = runs.run("playbooks/query.yml", {"node": site.name})
    assert f"was set up by Silver Lining {PREVIOUS_VERSION}, this is {VERSION}" in run.words, run


def test_provisioning_upgrades_it_and_no_visitor_notices(site: Node, figure: Figure) -> None:
    pids, locations = site.sh(PIDS), served(site)
    loads = [
        Load(site.address, HELLO, "hello"),
        Load(site.address, PLACES, "places", path=CAMPS, expected="Camp 19", visitors=1),
        Load(site.address, QUESTIONER, "questioner", expected="Cloud Watchers", visitors=1),
    ]
    with ExitStack() as stack:
        for load in loads:
            stack.enter_context(load)
        run = provision(site)
    assert run.status == 0, run
    requests_sent = sum(len(load.answers) for load in loads)
    slowest = max(load.slowest for load in loads)
    figure(f"{requests_sent} requests in {run.seconds:.0f} s, slowest {slowest:.2f} s")
    assert [load.lost for load in loads] == [[], [], []]
    assert min(len(load.answers) for load in loads) > 100
    assert site.sh(PIDS) == pids, run
    assert site.registry()["version"] == VERSION
    assert served(site) == locations


@pytest.fixture
def interrupted(site: Node) -> Node:
    """The node after a run that was killed when it had written files, and restarted nothing."""
    site.sh(f"sed -i s/malloc,256m/malloc,200m/ {VARNISH}; sed -i s/100/90/ {POSTGRESQL}")
    site.sh("systemctl daemon-reload; systemctl restart varnish postgresql")
    site.sh(f"sed -i s/malloc,200m/malloc,256m/ {VARNISH}; sed -i s/90/100/ {POSTGRESQL}")
    return site


def test_what_an_interrupted_run_has_changed_is_put_into_force_by_the_next(
    interrupted: Node,
) -> None:
    assert in_force(interrupted) == ("malloc,200m", "90")
    run = provision(interrupted)
    assert run.status == 0, run
    assert in_force(interrupted) == ("malloc,256m", "100")


def test_nothing_is_left_to_change(site: Node) -> None:
    pids = site.sh(PIDS)
    run = provision(site)
    assert (run.status, run.changed) == (0, 0), run
    assert site.sh(PIDS) == pids


def test_it_serves_the_same_as_before(site: Node) -> None:
    assert site.active(HELLO) in site.page(HELLO).text
    assert site.registry()["locations"][HELLO]["previous"] in site.page(f"prev.{HELLO}").text
    assert len(camps(site)) == len(visitors(site)) == 20


def test_the_records_of_the_previous_release_are_read(site: Node) -> None:
    told = json.loads(site.sh("silver-node query"))
    assert [each for each in told["instances"] if each["state"] != "running"] == []
    assert told["problems"] == []
    before = served(site)
    site.sh("silver-node rebuild")
    assert served(site) == before


def test_logs_of_the_previous_release_are_shown(site: Node) -> None:
    assert "Camp" not in site.sh(f"silver-node logs {PLACES}")
    assert site.sh(f"silver-node logs {HELLO}") is not None


@pytest.mark.parametrize("app", ["hello", "questioner", "places"])
def test_an_app_comes_to_the_new_release_with_its_next_update(site: Node, app: str) -> None:
    host = f"{app}.upgrade.test"
    old = site.active(host)
    site.must_deploy(apps.sample(app), host)
    new = site.active(host)
    assert new > old
    environment = site.sh(f"cat /etc/silverlining/instances/{new}.env")
    assert f'SILVER_VERSION="silverlining/{VERSION}"' in environment
    assert site.registry()["locations"][host]["previous"] == old
    assert site.page(f"prev.{host}").status_code == requests.codes.ok


def test_data_of_before_is_there_for_the_new_instances(site: Node) -> None:
    assert len(camps(site)) == len(visitors(site)) == 20
    place = {"name": "Camp Upgrade", "lat": -80.5, "lon": 100.25}
    answer = site.visit(PLACES, "/api/places", "POST", json=place)
    assert answer.status_code == requests.codes.created, seen(answer)


def test_an_instance_of_the_previous_release_can_be_activated_again(site: Node) -> None:
    old = site.registry()["locations"][PLACES]["previous"]
    run = runs.run(
        "playbooks/activate.yml", {"location": PLACES, "instance": "prev", "node": site.name}
    )
    assert run.status == 0, run
    assert site.active(PLACES) == old
    assert "Camp Upgrade" in camps(site)


def test_a_deploy_to_a_newer_node_says_so(newer: Node) -> None:
    run = newer.deploy(apps.sample("hello"), HELLO)
    assert run.status != 0
    assert (
        f"{newer.name} was set up by Silver Lining 99.1.0, this is {VERSION}: the node is newer"
    ) in run.words, run


def test_a_newer_node_is_not_provisioned(newer: Node) -> None:
    run = provision(newer)
    assert run.status != 0
    assert (
        f"{newer.name} was set up by Silver Lining 99.1.0, this is {VERSION}: the node is newer"
    ) in run.words, run
