"""The manifest of an instance: what was uploaded, and what was changed on the node since."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from silvernode import instances
from silvernode.deploy import manifest
from silvernode.deploy.manifest import Edits
from silvernode.layout import Layout
from tests.silvernode.conftest import Node

FILES = {"app.ini": "ini", "src/app.py": "code", "static/deep/er/x.css": "css"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with some files, a link and byte code."""
    tree = tmp_path / "tree"
    for name, text in {**FILES, "src/__pycache__/app.cpython-311.pyc": "", "old.pyc": ""}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "src/link.py").symlink_to("app.py")
    (tree / "src/dangling").symlink_to("nowhere")
    return tree


def test_every_file_and_link_is_noted_and_no_byte_code(tree: Path) -> None:
    made = manifest.make(tree, None, {})
    assert set(made) == {*FILES, "src/link.py", "src/dangling"}
    assert made["src/link.py"].digest == "-> app.py"
    assert made["app.ini"].size == len("ini")
    assert len(made["app.ini"].digest) == 64


def test_it_is_loaded_as_it_was_saved(layout: Layout, tree: Path) -> None:
    made = manifest.make(tree, None, {})
    manifest.save(layout, "hello.20261122_001", made)
    assert manifest.load(layout, "hello.20261122_001") == made
    assert manifest.path(layout, "hello.20261122_001").stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_no_text_is_kept(layout: Layout, tree: Path) -> None:
    Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9")).write_text("")
    made = manifest.make(tree, None, {})
    manifest.save(layout, "hello.20261122_001", made)
    loaded = manifest.load(layout, "hello.20261122_001")
    assert loaded is not None
    assert manifest.edits(tree, loaded, thorough=True) == Edits()


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"a": 1}', '{"a": ["x"]}'])
def test_one_that_is_missing_or_damaged_is_none(layout: Layout, text: str | None) -> None:
    if text is not None:
        manifest.path(layout, "hello.20261122_001").write_text(text)
    assert manifest.load(layout, "hello.20261122_001") is None


def test_a_directory_that_became_a_file_on_the_node_is_no_obstacle(
    tree: Path, tmp_path: Path
) -> None:
    known = manifest.make(tree, None, {})
    new = tmp_path / "new"
    shutil.copytree(tree, new, symlinks=True)
    shutil.rmtree(tree / "src")
    (tree / "src").write_text("")
    assert manifest.make(new, tree, known) == known


def test_the_digest_of_a_linked_file_is_taken_over(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = manifest.make(tree, None, {})
    new = tmp_path / "new"
    for name in FILES:
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(tree / name, new / name)
    (new / "app.ini").unlink()
    (new / "app.ini").write_text("changed")
    computed: list[str] = []
    digest = manifest._digest

    def noted(file: Path, status: os.stat_result) -> str:
        computed.append(file.name)
        return digest(file, status)

    monkeypatch.setattr(manifest, "_digest", noted)
    made = manifest.make(new, tree, known)
    assert computed == ["app.ini"]
    assert made["src/app.py"] == known["src/app.py"]
    assert made["app.ini"] != known["app.ini"]


def test_the_digest_of_a_file_that_was_touched_is_computed(tree: Path, tmp_path: Path) -> None:
    known = manifest.make(tree, None, {})
    (tree / "app.ini").write_text("edited on the node")
    (tmp_path / "new").mkdir()
    os.link(tree / "app.ini", tmp_path / "new/app.ini")
    made = manifest.make(tmp_path / "new", tree, known)
    assert made["app.ini"].digest != known["app.ini"].digest


def _edit(tree: Path) -> None:
    (tree / "app.ini").write_text("other")


def _hide(tree: Path) -> None:
    before = (tree / "app.ini").stat()
    (tree / "app.ini").write_text("INI")
    os.utime(tree / "app.ini", ns=(before.st_atime_ns, before.st_mtime_ns))


def _relink(tree: Path) -> None:
    (tree / "src/link.py").unlink()
    (tree / "src/link.py").symlink_to("../app.ini")


def _pipe(tree: Path) -> None:
    (tree / "app.ini").unlink()
    os.mkfifo(tree / "app.ini")


CHANGES: dict[str, tuple[Callable[[Path], object], Edits, Edits]] = {
    "nothing": (lambda tree: None, Edits(), Edits()),
    "an edit": (_edit, Edits(changed=("app.ini",)), Edits(changed=("app.ini",))),
    "a new time": (lambda tree: os.utime(tree / "app.ini", (1, 1)), Edits(), Edits()),
    "a hidden edit": (_hide, Edits(), Edits(changed=("app.ini",))),
    "a new file": (
        lambda tree: (tree / "src/new.py").write_text(""),
        Edits(added=("src/new.py",)),
        Edits(added=("src/new.py",)),
    ),
    "byte code": (lambda tree: (tree / "src/x.pyc").write_text(""), Edits(), Edits()),
    "a removed file": (
        lambda tree: (tree / "src/app.py").unlink(),
        Edits(removed=("src/app.py",)),
        Edits(removed=("src/app.py",)),
    ),
    "a link elsewhere": (_relink, Edits(changed=("src/link.py",)), Edits(changed=("src/link.py",))),
    "a pipe": (_pipe, Edits(changed=("app.ini",)), Edits(changed=("app.ini",))),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_was_changed_is_found(tree: Path, case: str) -> None:
    change, quickly, thoroughly = CHANGES[case]
    made = manifest.make(tree, None, {})
    change(tree)
    assert manifest.edits(tree, made, thorough=False) == quickly
    assert manifest.edits(tree, made, thorough=True) == thoroughly


def test_a_deploy_keeps_a_manifest_and_what_it_adds_up_to(node: Node) -> None:
    instance = node.deploy(files={"src/app.py": "x = 1\n"})
    record = instances.load(node.layout, instance)
    made = manifest.load(node.layout, instance)
    assert record is not None
    assert made is not None
    assert set(made) == {"app.ini", "src/app.py"}
    assert (record.files, record.bytes) == (2, len("x = 1\n"))
    assert manifest.edits(node.layout.www / instance, made, thorough=True) == Edits()


def test_prepare_tells_what_was_edited_in_the_active_instance(node: Node) -> None:
    assert node.prepare()["edits"] is None
    instance = node.deploy()
    assert node.prepare()["edits"] == {"changed": (), "added": (), "removed": ()}
    (node.layout.www / instance / "app.ini").write_text("edited")
    assert node.prepare()["edits"]["changed"] == ("app.ini",)
    manifest.path(node.layout, instance).unlink()
    assert node.prepare()["edits"] is None


def test_a_manifest_goes_with_its_instance(node: Node) -> None:
    deployed = [node.deploy() for _ in range(4)]
    kept = {path.stem for path in node.layout.instances.glob("*.files")}
    assert kept == set(deployed[1:])
