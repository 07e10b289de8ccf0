"""The texts of an instance's files, for `silver diff`."""

from pathlib import Path

import pytest

from silvernode.deploy import texts
from silvernode.errors import NodeError
from silvernode.layout import Layout

INSTANCE = "hello.20261122_001"


@pytest.fixture
def tree(layout: Layout) -> Path:
    tree = layout.www / INSTANCE
    (tree / "src").mkdir(parents=True)
    (tree / "src/app.py").write_text("é\r\n")
    (tree / "empty").write_text("")
    (tree / "binary").write_bytes(b"a\0b")
    (tree / "latin").write_bytes(b"caf\xe9")
    (tree / "big").write_bytes(b"x" * (texts.FILE_BYTES + 1))
    (tree / "link").symlink_to("src/app.py")
    (tree / "out").symlink_to("../../secret")
    (layout.www.parent / "secret").write_text("secret")
    return tree


@pytest.mark.usefixtures("tree")
def test_texts_are_returned_and_nothing_else_is(layout: Layout) -> None:
    asked = ["src/app.py", "empty", "binary", "latin", "big", "src", "gone", "link"]
    assert texts.read(layout, INSTANCE, asked) == {
        "src/app.py": "é\r\n",
        "empty": "",
        "link": "é\r\n",
    }


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("path", ["out", "../../secret", "/etc/hostname"])
def test_a_file_outside_the_instance_is_not_read(layout: Layout, path: str) -> None:
    assert texts.read(layout, INSTANCE, [path]) == {}


def test_an_answer_has_its_bounds(
    layout: Layout, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "ALL_BYTES", 5)
    for name in "abc":
        (tree / name).write_text("123")
    assert texts.read(layout, INSTANCE, ["a", "b", "c"]) == {"a": "123"}


def test_only_an_instance_is_read(layout: Layout) -> None:
    with pytest.raises(NodeError, match="not the name of an instance"):
        texts.read(layout, "../etc", ["passwd"])
