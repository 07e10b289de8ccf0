"""A bare machine becomes one to build on; any other machine is left alone."""

from collections.abc import Iterator
from typing import Any

import pytest

# Whoever logs in leaves these traces; so does systemd, by itself.
LOGIN_TRACES = (
    r"^/(root/before|home/admin/.ansible/|var/(lib/(sudo|systemd)|log/(btmp|lastlog|wtmp|journal)))"
)


@pytest.fixture(scope="module")
def taken(connect: Any) -> Any:
    return connect("molecule-base-taken")


@pytest.fixture
def unknown_release(taken: Any) -> Iterator[None]:
    taken.check_output("sed -i.known s/bookworm/buster/ $(realpath /etc/os-release)")
    yield
    taken.check_output("mv $(realpath /etc/os-release).known $(realpath /etc/os-release)")


@pytest.fixture
def other_proxy(taken: Any) -> Iterator[None]:
    """Something of no known name, where the balancer of a set would come in."""
    command = "python3 -m http.server 8081 --directory /mnt"
    taken.check_output(f"systemd-run --unit=other-proxy {command}")
    taken.check_output("timeout 20 sh -c 'until ss -ltn | grep -q :8081; do sleep 0.2; done'")
    yield
    taken.check_output("systemctl stop other-proxy")


def refusal(taken: Any, provision: Any) -> str:
    """Provision the machine, and return what was said once nothing was found changed."""
    taken.check_output("touch /root/before")
    result = provision("molecule-base-taken", "--tags", "base")
    files = taken.check_output("find / -xdev -newer /root/before ! -type d").splitlines()
    changed = taken.run(f"find / -xdev -newer /root/before ! -type d | grep -Ev '{LOGIN_TRACES}'")
    assert changed.stdout == "", files
    assert result.returncode != 0, result.stdout
    return " ".join(str(result.stdout + result.stderr).split())


def test_a_machine_with_a_web_server_is_refused(taken: Any, provision: Any) -> None:
    assert "already runs something that Silver Lining did not install: nginx on port 80." in (
        refusal(taken, provision)
    )
    assert not taken.file("/etc/silverlining").exists
    assert taken.service("nginx").is_running


def test_what_listens_where_a_balancer_would_is_named(
    taken: Any, provision: Any, other_proxy: None
) -> None:
    assert "python3 on port 8081" in refusal(taken, provision)


def test_an_unknown_release_is_refused(taken: Any, provision: Any, unknown_release: None) -> None:
    said = refusal(taken, provision)
    assert "runs Debian 12" in said
    assert "needs systemd and one of: Ubuntu 24.04 LTS, Debian 12, Debian 13." in said


@pytest.mark.parametrize(
    "path",
    [
        "/etc/silverlining",
        "/etc/silverlining/apps",
        "/etc/silverlining/instances",
        "/etc/silverlining/services",
        "/var/lib/silverlining",
        "/var/log/silverlining",
    ],
)
def test_the_directories_are_roots(node: Any, path: str) -> None:
    directory = node.file(path)
    assert (directory.user, directory.group, directory.mode) == ("root", "root", 0o755)


def test_security_updates_are_on_and_do_not_reboot(node: Any) -> None:
    settings = node.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in settings
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in settings
    assert node.service("apt-daily-upgrade.timer").is_enabled


def test_a_login_has_a_utf8_locale(node: Any) -> None:
    assert node.check_output("su - admin -c 'locale charmap'") == "UTF-8"


def test_the_clock_is_kept_in_utc(node: Any) -> None:
    assert node.check_output("date +%Z") == "UTC"
    assert node.service("systemd-timesyncd").is_enabled
