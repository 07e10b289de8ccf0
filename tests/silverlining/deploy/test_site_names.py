"""Which names of a site are written to /etc/hosts, and which are only told of."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from silverlining.deploy import site_names
from silverlining.deploy.site_names import Report
from silverlining.nodes import etc_hosts

NODE = "203.0.113.5"
TEXT = "127.0.0.1\tlocalhost\n192.0.2.7\tmine.test\n"


@dataclass(frozen=True)
class Case:
    """A name, where it leads, and what becomes of it.

    Attributes:
        known: where names lead that lead anywhere.
        added: the names that are written.
        told: what is said of those that are left alone.
        host: the site's.
        before: lines of ours.
    """

    known: dict[str, str]
    added: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    host: str = "polls.test"
    before: str = ""


CASES = {
    "unknown names": Case({}, ("polls.test", "prev.polls.test")),
    "names of the node": Case({"polls.test": NODE, "prev.polls.test": NODE}),
    "a name in DNS, prev. is not": Case({"polls.test": NODE}, ("prev.polls.test",)),
    "a name of another server": Case(
        {"polls.test": "192.0.2.9"},
        ("prev.polls.test",),
        ("polls.test leads to 192.0.2.9 on this machine, not to web1",),
    ),
    "names of another server": Case(
        {"polls.test": "192.0.2.9", "prev.polls.test": "192.0.2.9"},
        (),
        ("polls.test leads to 192.0.2.9", "prev.polls.test leads to 192.0.2.9"),
    ),
    "a line of ours for another node": Case(
        {"polls.test": "192.0.2.1", "prev.polls.test": "192.0.2.1"},
        ("polls.test", "prev.polls.test"),
        before="192.0.2.1\tpolls.test\t# silver old\n192.0.2.1\tprev.polls.test\t# silver old\n",
    ),
    "a line of ours for an old address": Case(
        {"polls.test": "192.0.2.1"},
        ("polls.test", "prev.polls.test"),
        before="192.0.2.1\tpolls.test\t# silver web1\n",
    ),
    "this machine": Case({"localhost": "127.0.0.1"}, host="localhost", told=("always means this",)),
    "this machine in a browser": Case({}, host="polls.localhost", told=("always means this",)),
    "an address": Case({}, host="203.0.113.5"),
    "every host below a domain": Case({}, host="*.polls.test", told=("cannot hold *.polls.test",)),
    "unknown hosts": Case({}, host="default"),
}


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    (tmp_path / "hosts").write_text(TEXT)
    return tmp_path / "hosts"


def provide(hosts: Path, case: Case, *addresses: str) -> Report:
    def resolve(name: str) -> set[str]:
        return {case.known[name]} if name in case.known else set()

    return site_names.provide(case.host, "web1", addresses or (NODE,), hosts, resolve)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_only_names_that_nobody_knows_are_written(hosts: Path, case: Case) -> None:
    hosts.write_text(TEXT + case.before)
    report = provide(hosts, case)
    lines = [f"{NODE}\t{name}\t# silver web1" for name in case.added]
    assert hosts.read_text() == TEXT + "".join(f"{line}\n" for line in lines)
    shown = "\n".join(report.lines)
    for line in (*lines, *case.before.splitlines()):
        assert repr(line.expandtabs(1)) in shown
    for told in case.told:
        assert told in shown
    assert report.warnings == ()
    assert len(report.lines) == len(lines) + len(case.before.splitlines()) + len(case.told)


def test_a_second_update_changes_nothing(hosts: Path) -> None:
    provide(hosts, CASES["unknown names"])
    before = hosts.read_text()
    known = {"polls.test": NODE, "prev.polls.test": NODE}
    assert provide(hosts, Case(known)) == Report()
    assert hosts.read_text() == before


def test_another_node_of_the_set_will_do(hosts: Path) -> None:
    case = Case({"polls.test": "203.0.113.6", "prev.polls.test": "203.0.113.6"})
    assert provide(hosts, case, NODE, "203.0.113.6") == Report()


def test_a_node_that_is_known_by_its_name_is_written_by_its_address(hosts: Path) -> None:
    provide(hosts, Case({"web1.example.com": NODE}), "web1.example.com")
    assert f"{NODE}\tpolls.test" in hosts.read_text()


def test_a_node_without_an_address_is_written_nowhere(hosts: Path) -> None:
    (told,) = provide(hosts, Case({}), "web1.example.com").lines
    assert "the address of web1 is not known here" in told
    assert hosts.read_text() == TEXT


def test_a_file_that_may_not_be_changed_is_a_warning_with_the_lines(
    hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise etc_hosts.NotWritableError("cannot be changed; as root,\nadd: the line", ["the line"])

    monkeypatch.setattr(etc_hosts, "_overwrite", refuse)
    report = provide(hosts, CASES["unknown names"])
    assert (report.lines, hosts.read_text()) == ((), TEXT)
    assert "add: the line" in report.warnings[0]
