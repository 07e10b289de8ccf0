"""Files that several processes read and write at once."""

from pathlib import Path
from threading import Event, Thread

from silverlining import files


def test_who_finds_a_lock_taken_is_told_and_waits(tmp_path: Path) -> None:
    waiting, entered = Event(), Event()

    def enter() -> None:
        with files.locked(tmp_path / "lock", waiting.set):
            entered.set()

    with files.locked(tmp_path / "lock", lambda: waiting.set()):
        assert not waiting.is_set()
        other = Thread(target=enter)
        other.start()
        assert waiting.wait(10)
        assert not entered.is_set()
    assert entered.wait(10)
    other.join()
