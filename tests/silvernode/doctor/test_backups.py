import pytest

from silvernode.data import schedule
from silvernode.doctor import backups
from silvernode.doctor.patient import Patient


def told(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, there: bool, *problems: str
) -> list[tuple[str, str, str]]:
    monkeypatch.setattr(schedule, "load", lambda _: object() if there else None)
    monkeypatch.setattr(schedule, "problems", lambda _: list(problems))
    return [(each.state, each.text, each.fix) for each in backups.check(patient)]


def test_a_node_without_a_schedule_is_told_so(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(state, text, _)] = told(patient, monkeypatch, False)
    assert (state, text) == ("note", "there is no schedule (role variable backup_schedule)")


def test_backups_that_succeed_are_well(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(patient, monkeypatch, True)
    assert found == [("ok", "of 1 apps none failed, none is overdue", "")]


def test_what_failed_is_told_with_what_to_type(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "the last drill of a failed (today): no; try again with: ./silver drill-all box"
    [found] = told(patient, monkeypatch, True, problem)
    first = "the last drill of a failed (today): no"
    assert found == ("wrong", first, "try again with: ./silver drill-all box")
