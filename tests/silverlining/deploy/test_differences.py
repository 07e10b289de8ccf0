"""What an update would change, as a person and as a program read it."""

from pathlib import Path, PurePosixPath

from silverlining.deploy import differences
from silverlining.deploy.differences import Differences, Edited
from silverlining.deploy.transfer import Change

CHANGED = Change("<fcs.......", 10, "src/a.py")
ADDED = Change("<f+++++++++", 10, "src/b.py")
REMOVED = Change("*deleting", 0, "src/c.py")
BINARY = Change("<fcs.......", 10, "static/x.png")
MODE = Change(".f...p.....", 10, "bin/run.py")
LINK = Change("cLc........", 3, "src/link.py")
TEXT = Edited("src/a.py", "one\ntwo\n", "one\n2\n")
FULL = Differences(
    location="polls.test",
    active="polls.20261122_001",
    files=[CHANGED, ADDED, REMOVED, BINARY, MODE, LINK],
    config=[Change("<fcs.......", 5, "secret.ini")],
    edits={"changed": ["src/a.py"], "added": ["src/d.py"], "removed": []},
    packages=["install  python3-lxml"],
    further=["provide  service.files"],
    texts=[TEXT],
)
NOTHING = Differences("polls.test", "polls.20261122_001", [])

LISTED = """\
changed  src/a.py
added    src/b.py
removed  src/c.py
changed  static/x.png (binary, or big)
changed  bin/run.py (its permissions, or a link)
changed  src/link.py (its permissions, or a link)
changed  secret.ini (deployment configuration)
install  python3-lxml
provide  service.files

"""
EDITED = """\
Changed on the server since polls.20261122_001 was uploaded:
changed  src/a.py
added    src/d.py

"""


def test_what_ansible_prints() -> None:
    listed, text, edited = FULL.shown()
    assert listed == {"prepared": LISTED}
    assert text == {
        "before": "one\ntwo\n",
        "after": "one\n2\n",
        "before_header": "src/a.py (polls.20261122_001)",
        "after_header": "src/a.py (here)",
    }
    assert edited == {"prepared": EDITED}


def test_what_a_program_reads() -> None:
    assert FULL.as_data() == {
        "location": "polls.test",
        "active": "polls.20261122_001",
        "changed": ["src/a.py", "static/x.png", "bin/run.py", "src/link.py"],
        "added": ["src/b.py"],
        "removed": ["src/c.py"],
        "config": {"changed": ["secret.ini"], "added": [], "removed": []},
        "texts": {
            "src/a.py": "--- server/src/a.py\n+++ here/src/a.py\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
        },
        "on_server": {"changed": ["src/a.py"], "added": ["src/d.py"], "removed": []},
        "further": ["install  python3-lxml", "provide  service.files"],
    }


def test_the_summary_counts() -> None:
    summary = FULL.summary()
    assert summary.startswith("polls.test would be updated (files: 4 changed, 1 added, 1 removed;")
    assert "its configuration" in summary
    assert NOTHING.summary() == "polls.test: an update would change nothing"


def test_nothing_is_nothing_and_a_package_alone_makes_no_instance() -> None:
    assert NOTHING.are_none()
    assert NOTHING.shown() == []
    assert not FULL.are_none()
    assert Differences("x", "", [], packages=["install  x"]).are_none()


def test_an_end_without_a_newline_is_told() -> None:
    text = Edited("x", "a", "b")
    told = Differences("l", "i", [], texts=[text]).as_data()["texts"]["x"]
    assert told.count("\\ No newline at end of file\n") == 2


def test_only_changed_texts_of_a_bearable_size_are_asked_for() -> None:
    big = Change("<fcs.......", differences.FILE_BYTES + 1, "big.txt")
    assert differences.with_text([CHANGED, ADDED, REMOVED, MODE, LINK, big]) == ["src/a.py"]


def test_texts_are_compared_with_what_would_be_uploaded(tmp_path: Path) -> None:
    for name, content in {"a": b"A", "same": b"s", "b": b"b\0", "c": b"\xff", "d": b"d"}.items():
        (tmp_path / name).write_bytes(content)
    theirs = {name: "s" if name == "same" else "x" for name in ("a", "same", "b", "c", "d", "gone")}
    found = differences.compare(tmp_path, {PurePosixPath("d"): b"rewritten"}, theirs)
    assert found == [Edited("a", "x", "A"), Edited("d", "x", "rewritten")]
