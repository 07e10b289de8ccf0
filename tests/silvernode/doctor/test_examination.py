from collections.abc import Iterator

import pytest

from silvernode.doctor import examination, routes
from silvernode.doctor.finding import Finding, ok
from silvernode.doctor.patient import Patient
from silvernode.errors import NodeError
from silvernode.routing import registry
from tests.silvernode.conftest import Node


def test_a_check_that_fails_keeps_nobody_from_the_others(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Patient) -> Iterator[Finding]:
        yield ok("first", "well")
        raise NodeError("it broke")

    checks = {"first": broken, "second": lambda _: iter([ok("second", "well")])}
    monkeypatch.setattr(examination, "CHECKS", checks)
    found = examination.examine(patient.layout, "box")
    texts = [(each["check"], each["state"], each["text"]) for each in found["findings"]]
    assert texts == [
        ("first", "wrong", "could not be looked at: it broke"),
        ("second", "ok", "well"),
    ]
    assert found["locations"] == ["hello.test"]


def test_routes_are_as_the_registry_says(patient: Patient) -> None:
    assert [each.state for each in routes.check(patient)] == ["ok"]


def test_routes_that_differ_from_the_registry_are_told_of(node: Node, patient: Patient) -> None:
    (node.fake / "label/app_hello").write_text("vcl_hello_of_yesterday\n")
    (node.fake / "used").write_text("root_of_yesterday\n")
    (node.layout.vcl / "start.cli").write_text("vcl.use root_of_yesterday\n")
    texts = [each.text for each in routes.check(patient)]
    assert texts[:2] == [
        "Varnish has other routes of hello than the registry",
        "Varnish has other locations than the registry",
    ]
    assert "would have Varnish start with other routes" in texts[2]


def test_what_is_disabled_is_no_fault_but_worth_knowing(node: Node, patient: Patient) -> None:
    closed = patient.routes.with_disabled(apps=["hello"])
    registry.save(patient.layout, closed)
    notes = [each for each in routes.check(patient) if each.state == "note"]
    assert [each.text for each in notes] == [
        "hello.test is disabled; to open it: ./silver enable --by-location hello.test"
    ]
