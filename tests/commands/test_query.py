"""`silver query`, typed: what is deployed on a node, with the checkouts that it came from."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from silverlining.remote import connections
from tests.support.commands import must, silver

LOCATION = "query-polls.test"
APP_INI = "[production]\napp_name = querypolls\nrunner = src/site/polls.py\n"
CODE = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"polls"]
"""
SECONDS = 4
"""That a query may take, on a machine that has other things to do: 0.9 s when it has not."""


def git(app: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    command = ["git", "-C", str(app / "src/site"), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, node: str) -> Path:
    """An app that was deployed from a checkout, then once more with an uncommitted file."""
    root = tmp_path_factory.mktemp("apps") / "polls"
    (root / "src/site").mkdir(parents=True)
    (root / "app.ini").write_text(APP_INI)
    (root / "src/site/polls.py").write_text(CODE)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=first")
    must("update", root, LOCATION, "--node", node, "--no-etc-hosts")
    (root / "src/site/votes.py").write_text("")
    must("update", root, LOCATION, "--node", node, "--no-etc-hosts")
    return root


def asked(*arguments: str) -> dict[str, Any]:
    """What is found on the only node."""
    (node,) = json.loads(must("query", *arguments, "--json").out)["nodes"]
    return dict(node)


def test_an_app_is_found_by_its_name_with_both_its_instances(node: str, app: Path) -> None:
    found = asked(node, "querypolls")
    now, before, *_ = found["instances"]  # an earlier run of the tests may have left some
    assert found["name"] == node
    assert found["locations"] == [
        {
            "location": LOCATION,
            "app": "querypolls",
            "instance": now["instance"],
            "since": found["locations"][0]["since"],
            "previous": before["instance"],
            "previous_is_warm": True,
            "disabled": False,
        }
    ]
    assert (now["state"], now["serves"]) == ("running", [LOCATION])
    assert (before["state"], before["previous_of"]) == ("running", [LOCATION])
    assert now["memory"] > 1_000_000
    assert (before["files"], now["files"]) == (2, 3)
    assert now["bytes"] == len(APP_INI) + len(CODE)


def test_each_instance_has_the_revision_and_the_uncommitted_files_of_its_upload(
    node: str, app: Path
) -> None:
    now, before = (each["revisions"] for each in asked(node, LOCATION)["instances"])
    expected = {"path": "src/site", "kind": "git", "branch": "main"}
    expected["revision"] = git(app, "rev-parse", "HEAD")
    assert before == [{**expected, "uncommitted": [], "uncommitted_count": 0}]
    assert now == [{**expected, "uncommitted": ["?? votes.py"], "uncommitted_count": 1}]


def test_what_a_person_reads_fits_100_columns(node: str, app: Path) -> None:
    overview, details = must("query", node), must("query", node, "query*.test")
    assert LOCATION in overview.out
    assert f"git {git(app, 'rev-parse', '--short=12', 'HEAD')} (main)" in details.out
    assert "?? votes.py" in details.out
    for done in (overview, details):
        lines = [line.rstrip() for line in done.out.splitlines()]
        assert max(map(len, lines)) <= 100, str(done)
        assert done.seconds < SECONDS


def test_an_instance_that_ended_is_shown_as_such(node: str, app: Path) -> None:
    before = asked(node, "querypolls")["instances"][1]["instance"]
    unit = f"silver-{before.replace('.', '@')}.service"
    program = ["/usr/bin/systemctl", "stop", unit]
    subprocess.run(connections.to_node(node).command(program), check=True)
    found = asked(node, "querypolls")
    assert found["instances"][1]["state"] == "stopped"
    assert found["locations"][0]["previous_is_warm"] is False


@pytest.mark.usefixtures("app")
def test_a_name_of_nothing_is_an_error_that_names_the_near_one(node: str) -> None:
    done = silver("query", node, "querypols")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"silver: no app, location or instance is named querypols on {node}")
    assert "querypolls" in done.err
    done = silver("query", f"{node}x")
    assert done.status == 1
    assert f"named {node}x" in done.err


SERVERS = """
all:
  hosts:
    query-gone: {{ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: root}}
    query-bare: {{ansible_connection: local, ansible_become: false,
                   ansible_python_interpreter: {python}}}
    query-stopped: {{ansible_host: 127.0.0.1, libcloud_state: stopped}}
  children:
    set_query: {{hosts: {{{node}: , query-gone: , query-bare: , query-stopped: }}}}
"""


def test_nodes_that_cannot_tell_are_shown_beside_those_that_can(
    node: str, app: Path, tmp_path: Path
) -> None:
    (tmp_path / "servers.yml").write_text(SERVERS.format(node=node, python="/usr/bin/python3"))
    sources = f"inventory,{tmp_path}/servers.yml"
    done = silver("query", "query", "--json", ANSIBLE_INVENTORY=sources)
    assert done.status == 1, str(done)
    nodes = {each["name"]: each for each in json.loads(done.out)["nodes"]}
    assert set(nodes) == {node, "query-gone", "query-bare", "query-stopped"}
    assert LOCATION in [each["location"] for each in nodes[node]["locations"]]
    assert "Connection refused" in nodes["query-gone"]["problems"][0]
    assert "never set up" in nodes["query-bare"]["problems"][0]
    assert "is stopped, not running" in nodes["query-stopped"]["problems"][0]
