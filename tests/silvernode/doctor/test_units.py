import pytest

from silvernode.data import services
from silvernode.doctor import units
from silvernode.doctor.patient import Patient
from tests.silvernode.conftest import Node

LISTED = """\
varnish.service loaded active running Varnish
ssh.service loaded active running OpenBSD Secure Shell server
{app} loaded {state} running Silver Lining: hello
dbus.service loaded active running D-Bus
"""


def listed(node: Node, text: str = LISTED, state: str = "active") -> str:
    """Have systemd list units; the app's own."""
    [instance] = node.routes.active_of("hello")
    unit = f"silver-hello@{instance.partition('.')[2]}.service"
    (node.fake / "listed").write_text(text.format(app=unit, state=state))
    return unit


def test_all_is_well_when_all_run(node: Node, patient: Patient) -> None:
    listed(node)
    [finding] = units.check(patient)
    assert (finding.state, finding.text) == ("ok", "3 run, 1 of them apps")


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_an_app_that_does_not_run_is_named_once(node: Node, patient: Patient, state: str) -> None:
    unit = listed(node, state=state)
    [finding] = units.check(patient)
    assert (finding.state, finding.text) == ("wrong", f"{unit} does not run")
    assert f"journalctl -u {unit}" in finding.fix


def test_a_server_that_is_not_even_known_is_named(node: Node, patient: Patient) -> None:
    listed(node, LISTED.replace("varnish.service", "other.service"))
    assert [each.text for each in units.check(patient)] == ["varnish.service does not run"]


def test_whatever_has_failed_is_named(node: Node, patient: Patient) -> None:
    listed(node, LISTED + "silverlining-backup.service loaded failed failed Backups\n")
    found = {each.text: each.state for each in units.check(patient)}
    assert found == {
        "silverlining-backup.service has failed": "wrong",
        "3 run, 1 of them apps": "ok",
    }


def test_the_server_of_a_service_that_an_app_uses_has_to_run(
    node: Node, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Database:
        units = ("postgresql@*.service",)

    monkeypatch.setattr(services, "of_app", lambda *_: {"postgis": Database()})
    listed(node)
    assert [each.text for each in units.check(patient)] == ["postgresql@*.service does not run"]
    listed(node, LISTED + "postgresql@16-main.service loaded active running PostgreSQL\n")
    assert [each.state for each in units.check(patient)] == ["ok"]
