"""`silver doctor`, typed: a node is made ill in each way that it looks for, and mended again."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from silverlining.remote import connections
from tests.support import runs
from tests.support.apps import set_key
from tests.support.commands import must, silver

Ill = Callable[[str, str], AbstractContextManager[set[str]]]

LOCATION = "doctor.test"
APP = """
from pathlib import Path
import os

def application(environ, start_response):
    ill = Path(os.environ["TEMP"], "ill").exists()
    start_response("500 Ill" if ill else "200 OK", [("Content-Type", "text/plain")])
    return [b"ill" if ill else b"well"]
"""


@pytest.fixture(scope="module", autouse=True)
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A site on a node of this release."""
    app = tmp_path_factory.mktemp("doctor") / "doctored"
    (app / "src").mkdir(parents=True)
    (app / "app.ini").write_text("[production]\n")
    (app / "src/app.py").write_text(APP)
    set_key(set_key(app, "app_name", "doctored"), "runner", "src/app.py")
    must("update", app, LOCATION, "--node", node)
    return LOCATION


def sh(node: str, script: str) -> str:
    """Run a script of the shell as root on the node."""
    command = connections.to_node(node).command(["/bin/sh", "-euc", script])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
    return done.stdout


def findings(node: str) -> list[dict[str, str]]:
    done = silver("doctor", node, "--json")
    [told] = json.loads(done.out)["nodes"]
    wrong = any(each["state"] == "wrong" for each in told["findings"])
    assert done.status == (1 if wrong else 0), done
    found: list[dict[str, str]] = told["findings"]
    return found


def wrong(node: str) -> set[str]:
    """What is wrong, but for what other tests, and a node without an internet, have made so."""
    found = [each for each in findings(node) if each["state"] == "wrong"]
    assert all(each["fix"] for each in found), found
    return {f"{each['check']}: {each['text']}" for each in found}


@pytest.fixture(scope="module")
def before(node: str, site: str) -> set[str]:
    """What is wrong on the node before it is made ill."""
    return wrong(node)


@pytest.fixture
def ill(node: str, before: set[str]) -> Ill:
    """Give what is wrong on the node after something was done to it, and mend it again.

    What a test has not mended, the next one finds.
    """

    @contextmanager
    def make_ill(make: str, mend: str) -> Iterator[set[str]]:
        sh(node, make)
        try:
            yield wrong(node) - before
        finally:
            sh(node, mend)

    return make_ill


def test_a_node_that_was_just_set_up_is_well(node: str) -> None:
    done = silver("doctor", node)
    assert f"ok     answers       {LOCATION} answers 200" in done.out, done
    assert f"ok     names         {LOCATION} leads to {node}" in done.out
    assert "  ok     clock" in done.out
    assert not [text for text in wrong(node) if LOCATION in text or "varnish" in text.lower()]


def test_an_app_that_died_for_good_is_told_of(node: str, ill: Ill) -> None:
    unit = sh(
        node, "systemctl list-units --plain --no-legend 'silver-doctored@*' | cut -d' ' -f1"
    ).strip()
    with ill(f"systemctl stop {unit}", f"systemctl start {unit}; sleep 2") as found:
        assert f"units: {unit} does not run" in found
        assert any(each.startswith(f"answers: {LOCATION}: ") for each in found)


def test_an_app_that_fails_is_told_of(ill: Ill) -> None:
    file = "/var/lib/silverlining/tmp/doctored/ill"
    with ill(f"touch {file}", f"rm {file}") as found:
        answered = "/ answered 500 (set check_url in app.ini to ask another path)"
        assert found == {f"answers: {LOCATION}: {answered}"}


def test_routes_that_somebody_changed_by_hand_are_told_of(ill: Ill) -> None:
    file = "/etc/varnish/other.vcl"
    make = f"echo 'vcl 4.1; backend none none;' >{file}; varnishadm vcl.load other {file}"
    make += f"; varnishadm vcl.label app_doctored other; rm {file}"
    with ill(make, "silver-node refresh; varnishadm vcl.discard other") as found:
        assert "routes: Varnish has other routes of doctored than the registry" in found


def test_a_reboot_that_is_due_is_told_of(ill: Ill) -> None:
    file = "/run/reboot-required"
    make = f"touch {file}; echo libc6 >{file}.pkgs"
    with ill(make, f"rm {file} {file}.pkgs") as found:
        assert found == {"system: a reboot is due for libc6"}


def test_a_disk_that_fills_is_told_of_before_it_is_full(ill: Ill) -> None:
    trend = "/var/lib/silverlining/trend.jsonl"
    line = '{"at": %d, "disk_used": %d, "memory_available": 1e9}\n'
    samples = "".join(line % (day * 86400, day * 10**13) for day in range(3))
    keep = f"touch {trend}; cp {trend} {trend}.kept"
    make = f"{keep}; cat >{trend} <<'END'\n{samples}END\n"
    with ill(make, f"mv {trend}.kept {trend}") as found:
        [text] = found
        assert text.startswith("disk: ")
        assert text.endswith("full in 0 days")


def test_the_trend_is_noted_by_a_timer(node: str) -> None:
    assert sh(node, "systemctl is-active silverlining-sample.timer").strip() == "active"
    count = "wc -l </var/lib/silverlining/trend.jsonl"
    sh(node, "systemctl start silverlining-sample.service")
    before = int(sh(node, count))
    sh(node, "systemctl start silverlining-sample.service")
    assert int(sh(node, count)) == before + 1


def test_security_updates_that_wait_are_told_of(ill: Ill) -> None:
    """A repository of one package, of which a newer version than that on the node is offered."""
    packages = "Package: hostname\\nVersion: 99\\nArchitecture: $(dpkg --print-architecture)\\n"
    packages += "Maintainer: Nobody <nobody@example.com>\\nFilename: ./none.deb\\nSize: 1\\n"
    packages += f"SHA256: {'0' * 64}\\nDescription: Nothing\\n"
    make = f"""
        mkdir /tmp/security && cd /tmp/security
        printf "{packages}" >Packages
        printf 'Label: Debian-Security\\nSuite: test-security\\nSHA256:\\n' >Release
        sum=$(sha256sum Packages | cut -d' ' -f1)
        printf ' %s %s Packages\\n' $sum $(wc -c <Packages) >>Release
        echo 'deb [trusted=yes] file:/tmp/security ./' >/etc/apt/sources.list.d/test-security.list
        only="-o Dir::Etc::sourcelist=sources.list.d/test-security.list"
        apt-get update -qq $only -o APT::Get::List-Cleanup=0
        """
    mend = "rm -r /tmp/security /etc/apt/sources.list.d/test-security.list; apt-get update -qq"
    with ill(make, mend) as found:
        assert found == {"system: security updates are waiting: hostname"}


def test_a_name_that_leads_nowhere_is_told_of(node: str, site: str) -> None:
    must("update", "apps/hello", "nowhere.invalid", "--node", node, "--no-etc-hosts")
    try:
        assert f"names: nowhere.invalid leads nowhere, not to {node}" in wrong(node)
    finally:
        must("deactivate", "nowhere.invalid", "--node", node)


def test_a_certificate_that_is_not_served_is_told_of(ill: Ill) -> None:
    store = "/etc/apache2/md/domains/doctor.test"
    names = "-subj /CN=doctor.test -days 30 -keyout key.pem -out pubcert.pem"
    make = f"""
        mkdir -p {store}; cd {store}
        openssl req -x509 -nodes -newkey rsa:2048 {names} 2>&1
        cp key.pem pubcert.pem /run
        serve="openssl s_server -www -accept 443 -cert /run/pubcert.pem -key /run/key.pem"
        systemd-run --quiet --unit=edge $serve
        sleep 0.5
        openssl req -x509 -nodes -newkey rsa:2048 {names}
        """
    with ill(make, f"systemctl stop edge; rm -r {store} /run/key.pem /run/pubcert.pem") as found:
        [text] = found
        assert text.startswith("certificates: doctor.test: another certificate is served than the")


def test_a_node_that_cannot_be_asked_is_wrong(node: str) -> None:
    done = silver("doctor", "no-such-node")
    assert done.status == 1
    assert "there is no node or set named no-such-node; there are: " in done.err, done


def test_all_nodes_are_asked_by_default(node: str) -> None:
    told: dict[str, Any] = json.loads(silver("doctor", "--json").out)
    assert node in {each["name"] for each in told["nodes"]}


def test_the_playbook_alone_fails_if_anything_is_wrong(node: str) -> None:
    file = "/run/reboot-required"
    sh(node, f"touch {file}")
    try:
        run = runs.run("playbooks/doctor.yml", {"node": node})
        assert run.status != 0, run
        assert "system: a reboot is due (to do: on the node: systemctl reboot" in run.words
    finally:
        sh(node, f"rm {file}")


def test_something_that_was_killed_for_want_of_memory_is_told_of(node: str) -> None:
    """The line in the journal is made by hand: with cgroup v1, systemd does not know the reason.

    It stays there for a day, so this is the last test of the file.
    """
    sh(node, "echo \"greedy.service: Failed with result 'oom-kill'.\" | systemd-cat -t systemd")
    assert "memory: out of memory within a day: greedy.service" in wrong(node)
