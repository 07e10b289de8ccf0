"""What reaches a node of an archive that proves wrong in the end."""

import io
from typing import Any

import pytest

from silverbackup.errors import BackupError
from silverlining.backup import restoring
from silverlining.backup.restoring import HELD, Restore
from silverlining.backup.sources import Described, Site, Source
from silverlining.remote.connections import Connection

NODE = Connection("web1", "192.0.2.1", ("ssh",), sudo=False)
NOBODY: dict[str, Any] = {"app": "polls", "services": [], "locations": []}
THERE: dict[str, Any] = {"app": "polls", "services": ["postgis"], "locations": ["polls.test"]}
FOUND = Described("polls", {"name": "polls"}, "that of 2026-11-23 in /b/x.tar.age")


class Taken:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


class Failing(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise BackupError("it is damaged, or cut off")
        return data


@pytest.mark.parametrize("size", [0, 5, HELD, HELD + 1, 3_000_000])
def test_the_end_is_kept_back(size: int) -> None:
    data, taken = bytes(i % 251 for i in range(size)), Taken()
    sent, held = restoring._send(io.BytesIO(data), taken)  # type: ignore[arg-type]
    assert taken.data + held == data
    assert len(held) == min(HELD, size)
    assert sent == len(taken.data)


def test_what_is_damaged_at_its_end_never_arrives_whole() -> None:
    data, taken = bytes(1_000_000), Taken()
    with pytest.raises(BackupError):
        restoring._send(Failing(data), taken)  # type: ignore[arg-type]
    assert len(taken.data) <= len(data) - HELD


class Fixed(Source):
    """A source that is what the test says."""

    def describe(self, *, verify: bool) -> Described:
        return FOUND

    def plain(self, show: object) -> Any:
        raise AssertionError


def look(
    monkeypatch: pytest.MonkeyPatch, there: dict[str, Any], source: Source | None = None
) -> dict[str, Any]:
    needs = {"packages": ["gdal-bin", "lib/own.deb"], "services": [{"name": "postgis"}]}

    def ask(_node: Connection, command: str, **request: Any) -> dict[str, Any]:
        return needs if command == "prepare" else {**there, "plan": {"name": "polls"}}

    monkeypatch.setattr("silverlining.backup.nodes.ask", ask)
    restore = Restore(source or Fixed(), "polls.test", NODE, lambda line: None)
    return restore.look(verify=True, check=True)


def test_nothing_is_asked_where_there_is_nothing_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, NOBODY)
    assert found["question"] == ""
    # A package of the app's own comes with its first update.
    assert found["packages"] == ["gdal-bin"]
    assert found["services"] == [{"name": "postgis"}]


def test_what_is_replaced_and_by_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, THERE)["question"] == (
        "Replace all data of polls on web1, which is served at polls.test, by that of 2026-11-23 in"
        " /b/x.tar.age?"
    )


def test_an_app_is_not_copied_onto_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupError, match=r"both on web1, .*; name another node with --node"):
        look(monkeypatch, THERE, Site("www.polls.test", NODE))
