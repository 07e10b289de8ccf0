import pytest

from silvernode.doctor import answers
from silvernode.doctor.patient import Patient
from tests.silvernode.conftest import Node


@pytest.fixture(autouse=True)
def varnish(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instances' stand-in answers for Varnish too."""
    monkeypatch.setattr(answers, "VARNISH", ("127.0.0.1", node.site.server_port))


def test_a_site_that_answers_is_well(patient: Patient) -> None:
    [finding] = answers.check(patient)
    assert finding.state == "ok"
    assert finding.text.startswith("hello.test answers 200 in 0.")


def test_a_site_that_fails_is_told_of_with_the_command_that_tells_why(
    node: Node, patient: Patient
) -> None:
    node.site.statuses["/"] = 500
    [finding] = answers.check(patient)
    assert finding.state == "wrong"
    assert (
        finding.text == "hello.test: / answered 500 (set check_url in app.ini to ask another path)"
    )
    assert finding.fix == "./silver logs hello.test --errors"


def test_a_site_that_only_varnish_does_not_find_is_told_of(
    node: Node, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "VARNISH", ("127.0.0.1", 1))
    [finding] = answers.check(patient)
    assert "Varnish does not answer" in finding.text


def test_the_instance_itself_is_asked_and_not_a_cache(node: Node, patient: Patient) -> None:
    node.site.asked.clear()
    list(answers.check(patient))
    direct, through_varnish = node.site.asked
    assert direct[1]["X-Silver-Direct"] == "yes"
    assert through_varnish[1]["Host"] == "hello.test"
    assert "X-Silver-Host" not in through_varnish[1]
