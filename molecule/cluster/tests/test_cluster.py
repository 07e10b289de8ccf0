"""A set serves its site whatever is deployed to it, and whichever of its web nodes is killed."""

import re
import shlex
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest
from docker.models.containers import Container

from silverlining.nodes import engine
from tests.support import runs
from tests.support.cluster import HOST, Cluster, Visited, version
from tests.support.load import Load
from tests.support.node import Figure, Node, cloud_node, eventually

FAILS_ON = 'import socket\nif socket.gethostname().endswith("{end}"):\n    1 / 0\n'
STOPS_HALFWAY = """
import socket, time

places = application

def application(environ, start_response):
    if environ["PATH_INFO"] != "/halves":
        return places(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "11")])
    return halves()

def halves():
    yield b"first "
    if socket.gethostname().endswith("web2"):
        time.sleep(60)
    yield b"other"
"""
SLOW_ON_FIRST_TRY = "import time\ntime.sleep(8)\n"


def environment(node: Node) -> dict[str, str]:
    """Return what the app finds of its database on a web node."""
    lines = node.sh("cat /etc/silverlining/apps/places/postgis.env").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def well(cluster: Cluster) -> int:
    """Return how many web nodes are well, by the balancer's probes."""
    listed = cluster.balancer.sh("varnishadm backend.list")
    return len(re.findall(r"node_.* healthy", listed))


def has_well(cluster: Cluster, number: int) -> None:
    """Check how many web nodes are well."""
    assert well(cluster) == number


def start_again(cluster: Cluster, container: Container) -> float:
    """Start a web node that is out; return after how many seconds it is well again."""
    container.start()
    seconds = eventually(lambda: has_well(cluster, 2), seconds=60)
    eventually(lambda: takes_logins(cluster.web[1]), seconds=60)
    return seconds


def takes_logins(node: Node) -> None:
    """Check that a node can be logged in to."""
    with closing(socket.socket()) as caller:
        assert caller.connect_ex((node.address, 22)) == 0


def has_answers(load: Load, number: int) -> None:
    """Check how many answers there are at least."""
    assert len(load.answers) >= number


def same_everywhere(cluster: Cluster) -> str:
    """Return the instance that all web nodes serve."""
    instances = cluster.instances()
    assert len(set(instances)) == 1, instances
    return instances[0]


def test_both_web_nodes_serve_the_site_with_one_database(cluster: Cluster) -> None:
    same_everywhere(cluster)
    first, second = map(environment, cluster.web)
    assert first == second
    secrets = {node.sh("sha256sum < /var/lib/silverlining/secret/places") for node in cluster.web}
    assert len(secrets) == 1
    cluster.site.page(HOST)
    for node in cluster.web:
        assert node.page(HOST).status_code == 200


def test_the_balancer_uses_both_web_nodes(cluster: Cluster) -> None:
    key = uuid.uuid4().hex
    for _ in range(20):
        cluster.site.page(HOST, f"/api/places?lat=0&lon=0&{key}")
    count = f"grep -c {key} /var/log/silverlining/places/access.log"
    first, second = (int(node.sh(count)) for node in cluster.web)
    assert first + second == 20
    assert min(first, second) >= 5


@pytest.mark.parametrize(
    ("where", "changed"),
    [("balancer", {}), ("web", {"PGSSLMODE": "disable"})],
    ids=["not a web node", "no TLS"],
)
def test_the_database_lets_in_web_nodes_over_tls_only(
    cluster: Cluster, where: str, changed: dict[str, str]
) -> None:
    variables = environment(cluster.web[0]) | {"PGSSLMODE": "require"} | changed
    login = [variables[name] for name in ("PGHOST", "PGUSER", "PGDATABASE")]
    code = f"""
import socket, struct
host, user, name = {", ".join(map(repr, login))}
made = socket.create_connection((host, 5432), timeout=5)
if {variables["PGSSLMODE"]!r} != "disable":
    import ssl
    made.sendall(struct.pack("!ii", 8, 80877103))
    assert made.recv(1) == b"S"
    context = ssl._create_unverified_context()
    made = context.wrap_socket(made)
words = f"user\\0{{user}}\\0database\\0{{name}}\\0\\0".encode()
made.sendall(struct.pack("!ii", 8 + len(words), 196608) + words)
print(made.recv(1000))
"""
    node = cluster.balancer if where == "balancer" else cluster.web[0]
    assert "no pg_hba.conf entry for host" in node.sh(f"python3 -c {shlex.quote(code)}")


def test_a_stranger_cannot_tell_a_web_node_who_the_visitor_is(cluster: Cluster) -> None:
    request = f"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\nGET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n"
    address = (cluster.web[0].address, 8081)
    code = f"""
import socket
made = socket.create_connection({address!r}, timeout=5)
made.sendall({request.encode()!r})
print(made.recv(1000)[:12])
"""
    ask = f"python3 -c {shlex.quote(code)}"
    assert "200" in cluster.balancer.sh(ask)
    assert "403" in cluster.database.sh(ask)


def test_a_killed_web_node_is_left_out_and_comes_back(
    cluster: Cluster, visited: Visited, figure: Figure
) -> None:
    eventually(lambda: has_well(cluster, 2))
    node = cluster.web[1]
    container = engine.connect().containers.get(node.name)
    with visited(posts_may_fail=True) as (gets, _):
        eventually(lambda: has_answers(gets, 200))
        container.kill()
        out = eventually(lambda: has_well(cluster, 1), seconds=10)
        back = start_again(cluster, container)
    figure(f"{out:.1f} s until a killed web node is out, {back:.1f} s until it is in again")
    assert str(cloud_node(node.name).public_ips[0]) == node.address
    assert cluster.instances()[0] == cluster.instances()[1]
    assert node.sh("su - admin -c 'locale charmap'") == "UTF-8"


def test_a_new_version_is_deployed_under_load(
    cluster: Cluster, tmp_path: Path, visited: Visited, figure: Figure
) -> None:
    before = same_everywhere(cluster)
    with visited():
        run = cluster.site.must_deploy(version(tmp_path, "new"))
    figure(f"{run.seconds:.1f} s for the deploy")
    assert same_everywhere(cluster) > before
    for node in (*cluster.web, cluster.site):
        assert node.page(HOST, "/version.txt").text == "new"


def test_an_answer_that_breaks_off_comes_from_the_other_node(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.site.must_deploy(version(tmp_path, "halves", after=STOPS_HALFWAY))
    container = engine.connect().containers.get(cluster.web[1].name)
    with ThreadPoolExecutor(8) as visitors:
        asked = [visitors.submit(cluster.site.page, HOST, "/halves") for _ in range(8)]
        _, halfway = wait(asked, timeout=2)
        container.kill()
        assert {each.result().text for each in asked} == {"first other"}
    assert 0 < len(halfway) < len(asked)
    eventually(lambda: has_well(cluster, 1), seconds=10)
    start_again(cluster, container)


@pytest.mark.parametrize("end", ["web1", "web2", ""], ids=["first", "second", "both"])
def test_a_version_that_fails_somewhere_is_nowhere(
    cluster: Cluster, tmp_path: Path, visited: Visited, figure: Figure, end: str
) -> None:
    before, traces = same_everywhere(cluster), [node.traces("places") for node in cluster.web]
    with visited():
        run = cluster.site.deploy(version(tmp_path, "broken", FAILS_ON.format(end=end)))
    assert run.status != 0, str(run)
    assert "ZeroDivisionError" in run.words, str(run)
    assert same_everywhere(cluster) == before
    assert [node.traces("places") for node in cluster.web] == traces


def test_a_web_node_dies_in_the_middle_of_a_deploy(
    cluster: Cluster, tmp_path: Path, visited: Visited, figure: Figure
) -> None:
    before, traces = same_everywhere(cluster), cluster.web[0].traces("places")
    node = cluster.web[1]
    container = engine.connect().containers.get(node.name)
    trial = "pgrep -f '[s]ilver-node switch' && sleep 1"
    with visited(posts_may_fail=True):
        process = cluster.site.start_deploy(version(tmp_path, "slow", SLOW_ON_FIRST_TRY))
        eventually(lambda: node.sh(trial), seconds=60)
        container.kill()
        run = runs.finish(process)
        assert run.status != 0, str(run)
        assert node.name in run.words, str(run)
        assert cluster.web[0].active(HOST) == before
        assert cluster.web[0].traces("places") == traces
        eventually(lambda: has_well(cluster, 1), seconds=10)
        start_again(cluster, container)
    figure(f"{run.seconds:.1f} s until the deploy has failed")
    cluster.site.must_deploy(version(tmp_path, "after"))
    assert same_everywhere(cluster) > before
    for each in (*cluster.web, cluster.site):
        assert each.page(HOST, "/version.txt").text == "after"
