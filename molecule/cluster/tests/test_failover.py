"""The set is given another database server, a primary with its standby, which takes over."""

import json
import shlex
import time
from pathlib import Path

import pytest

from tests.support import existing_server, runs
from tests.support.cluster import HOST, SET, Cluster, Visited, version
from tests.support.existing_server import DIRECTORY, PASSWORD
from tests.support.load import Posts
from tests.support.node import Figure, eventually

RECOVERY = 45  # seconds, of which the last 10 are TCP's and 5 for the first host each

# What whoever moves the set's databases to a server of their own has to do for each app.
ADMINISTER = 'GRANT "silver-places" TO operator WITH ADMIN OPTION'


@pytest.fixture(scope="module")
def variables(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Role variables that name the server: the set's database node, and its standby."""
    primary, standby = cluster.database, cluster.standby
    primary.sh(existing_server.MAKE_PRIMARY)
    primary.sql(ADMINISTER)
    standby.sh(f"mkdir -p {DIRECTORY}")
    for name in ("server.crt", "server.key", "pg_hba.conf"):
        text = primary.sh(f"cat {DIRECTORY}/{name}")
        standby.sh(f"printf '%s\\n' {shlex.quote(text)} > {DIRECTORY}/{name}")
    standby.sh(existing_server.make_standby(primary.address))
    for statement in existing_server.BE_SYNCHRONOUS:
        primary.sql(statement)
    path = tmp_path_factory.mktemp("variables") / "server.json"
    path.write_text(
        json.dumps(
            {
                "service_postgis_hosts": [primary.address, standby.address],
                "service_postgis_admin_user": "operator",
                "service_postgis_admin_password": PASSWORD,
                "service_postgis_sslmode": "verify-ca",
                "service_postgis_root_certificate": primary.sh(f"cat {DIRECTORY}/server.crt"),
            }
        )
    )
    return path


def has_stored_since(posts: Posts, moment: float) -> None:
    """Check that a POST was acknowledged that was sent since."""
    assert [each for each in posts.answers if each.began > moment and not each.problem]


def test_a_set_changes_over_to_a_server_of_the_operators(
    cluster: Cluster, variables: Path, tmp_path: Path, visited: Visited, figure: Figure
) -> None:
    with visited():
        run = runs.run("provision.yml", {"node": SET}, "--tags", "services", f"-e@{variables}")
        assert run.status == 0, str(run)
        assert PASSWORD not in run.output
        run = cluster.site.deploy(version(tmp_path, "elsewhere"), None, f"-e@{variables}")
        assert run.status == 0, str(run)
    settings = cluster.web[0].sh("cat /etc/silverlining/apps/places/postgis.env")
    assert f"CONFIG_PG_HOST={cluster.database.address},{cluster.standby.address}" in settings


def test_the_site_goes_on_when_the_primary_vanishes(
    cluster: Cluster, variables: Path, tmp_path: Path, visited: Visited, figure: Figure
) -> None:
    with visited(posts_may_fail=True) as (_, posts):
        eventually(lambda: has_stored_since(posts, 0))
        gone = time.monotonic()
        existing_server.take_away(cluster.database.name)
        cluster.database = cluster.standby
        for statement in existing_server.PROMOTE:
            cluster.standby.sql(statement)
        promoted = time.monotonic()
        eventually(lambda: has_stored_since(posts, promoted), seconds=RECOVERY)
        time.sleep(3)
    kept = [each.ended for each in posts.answers if not each.problem]
    before = max(each for each in kept if each < promoted)
    after = min(each for each in kept if each > promoted)
    failed = [each for each in posts.lost if each.ended > after]
    figure(
        f"{after - before:.1f} s without a write; promoted {promoted - gone:.1f} s after the end"
    )
    assert failed == []
    run = cluster.site.deploy(version(tmp_path, "after"), None, f"-e@{variables}")
    assert run.status == 0, str(run)
    assert cluster.site.page(HOST, "/version.txt").text == "after"
