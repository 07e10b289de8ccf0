"""What an application may not do to others on its node, nor to the node."""

import pytest

from tests.support.node import Node


def attempt(node: Node, name: str, argument: str) -> dict[str, str]:
    """Have the probe try something."""
    answer: dict[str, str] = node.page(
        "probe.test", f"/attempt/{name}", params={"argument": argument}
    ).json()
    return answer


def test_an_application_cannot_reach_anothers_apache(blog: Node) -> None:
    apache = f"{blog.registry()['addresses'][blog.active('probe.test/blog')]}:8080"
    assert blog.host.socket(f"tcp://{apache}").is_listening
    assert "refused" in attempt(blog, "connect", apache)
    assert attempt(blog, "connect", "127.0.0.1:80") == {"done": "connected"}


@pytest.mark.parametrize(
    "path",
    [
        "/var/www/{other}",
        "/var/www/{other}/app.ini",
        "/etc/silverlining/instances/{other}.env",
        "/etc/silverlining/instances/{other}.json",
        "/etc/silverlining/instances/{own}.json",
        "/etc/silverlining/apps/blog/files.env",
        "/var/lib/silverlining/secret/blog",
        "/var/lib/silverlining/files/blog",
        "/var/lib/silverlining/tmp/blog",
        "/var/log/silverlining/blog",
        "/var/log/silverlining/blog/access.log",
        "/run/silver/{other}",
        "/proc/{pid}/environ",
        "/etc/shadow",
        "/etc/varnish/secret",
    ],
)
def test_an_application_cannot_read_what_is_not_its_own(blog: Node, path: str) -> None:
    other, own = blog.active("probe.test/blog"), blog.active("probe.test")
    pid = blog.sh("pgrep -u silver-blog -o").strip()
    there = path.format(other=other, own=own, pid=pid)
    assert blog.sh(f"ls -d {there}")
    assert "refused" in attempt(blog, "read", there)


@pytest.mark.parametrize(
    "path",
    [
        "/var/www/{own}/static/new.txt",
        "/var/www/new.txt",
        "/var/lib/silverlining/files/blog/new.txt",
        "/var/lib/silverlining/new.txt",
        "/etc/silverlining/new.txt",
        "/usr/local/share/silverlining/silversupport/new.py",
    ],
)
def test_an_application_cannot_write_outside_its_own_data(blog: Node, path: str) -> None:
    there = path.format(own=blog.active("probe.test"))
    assert "refused" in attempt(blog, "write", there)
    assert not blog.host.file(there).exists


@pytest.mark.parametrize(
    "variable", ["CONFIG_FILES", "CONFIG_WRITABLE_ROOT", "TEMP", "SILVER_LOGS"]
)
def test_an_application_writes_to_its_own_data(probe: Node, variable: str) -> None:
    directory = probe.page("probe.test").json()["variables"][variable]
    assert attempt(probe, "write", f"{directory}/new.txt") == {"done": "written"}


def test_applications_have_secrets_of_their_own(blog: Node) -> None:
    own = blog.page("probe.test").json()["secret"]
    assert own != blog.page("probe.test", "/blog/").json()["secret"]


def test_an_application_has_no_rights_of_the_system(probe: Node) -> None:
    status = attempt(probe, "read", "/proc/self/status")["done"]
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["CapEff"] == "0000000000000000"
    assert facts["NoNewPrivs"] == "1"
    assert facts["Uid"].split()[0] == probe.sh("id -u silver-probe").strip()
