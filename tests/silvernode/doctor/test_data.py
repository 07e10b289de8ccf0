from silvernode import locks
from silvernode.data import journal, pending
from silvernode.data.journal import Journal
from silvernode.data.pending import Pending
from silvernode.doctor import data
from silvernode.doctor.patient import Patient


def test_what_is_under_way_is_wrong_only_if_no_command_is(patient: Patient) -> None:
    layout = patient.layout
    assert list(data.check(patient)) == []
    pending.save(layout, Pending("books"))
    journal.save(layout, Journal("polls", "polls.test", "", "polls.20261122_001"))
    with locks.of_app(layout, "polls", "ann@laptop", "updating"):
        [found] = data.check(patient)
    assert (found.state, found.check) == ("wrong", "data")
    assert "the data of books was interrupted" in found.text
    assert "silver-node refresh" in found.fix
    assert len(list(data.check(patient))) == 2
