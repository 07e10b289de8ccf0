"""What is uploaded: rsync and the checks must see the same tree."""

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from silverlining.app import uploads

UPLOADED = [
    "app.ini",
    ".gitignore",
    ".github/workflows/ci.yml",
    "bin/manage.py",
    "bin/pipeline.py",
    "bin/python_report.py",
    "bin/activate_users.py",
    "include.txt",
    "lib/python/lxml/etree.so",
    "lib/python/lxml/include/lxml.h",
    "lib/python/pip/__init__.py",
    "src/polls/bin/python3.txt",
    "src/polls/.swx",
    "src/polls/a.swp",
    "src/polls/#notes",
    "src/polls/lib64/x",
    "src/polls/pyc",
    "src/CVS",
    "static/tilde~name",
    "static/new\nline.txt",
]
LEFT_OUT = [
    ".git/config",
    "src/polls/.git/HEAD",
    "src/submodule/.git",
    "src/polls/.hg/store/data",
    "src/polls/.svn/x",
    "src/polls/CVS/Root",
    "src/polls/.bzr/x",
    "src/polls/.jj/x",
    "src/polls/_darcs/x",
    "src/polls/__pycache__/views.cpython-311.pyc",
    "lib/python/old.pyc",
    "lib/python/old.pyo",
    "src/polls/views.py~",
    "src/polls/.views.py.swp",
    "src/polls/.views.py.swo",
    "src/polls/.#views.py",
    "src/polls/#views.py#",
    "static/.DS_Store",
    "src/.pytest_cache/v/cache/nodeids",
    ".mypy_cache/3.11/x.json",
    ".ruff_cache/x",
    "static/new\nline.txt~",
    "pyvenv.cfg",
    "bin/python",
    "bin/python3",
    "bin/python3.11",
    "bin/pip",
    "bin/pip3",
    "bin/pip3.11",
    "bin/activate",
    "bin/activate.fish",
    "bin/activate_this.py",
    "bin/Activate.ps1",
    "lib/python/bin/python3",
    "lib/python/bin/activate.csh",
    "lib/python3.11/site-packages/x.py",
    "include/python3.11/x.h",
    "lib64/x",
]

ENVIRONMENTS = ["tools/.venv/pyvenv.cfg", "tools/.venv/bin/black", "tools/env [1]*/pyvenv.cfg"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    for name in [*UPLOADED, *LEFT_OUT, *ENVIRONMENTS]:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (root / "empty").mkdir()
    # rsync takes a link to a directory for a file, so a pattern for directories lets it pass.
    (root / "static/CVS").symlink_to("../src")
    (root / "static/linked").symlink_to("../src/polls")
    Path(os.fsdecode(bytes(root) + b"/static/caf\xe9.txt")).write_text("")
    return root


def _listing(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def test_walk_yields_exactly_what_rsync_copies(tree: Path, tmp_path: Path) -> None:
    assert shutil.which("rsync"), "rsync is needed: it is what uploads"
    copy = tmp_path / "copy"
    subprocess.run(["rsync", "-a", *uploads.rsync_filters(tree), f"{tree}/", copy], check=True)
    assert {str(path) for path in uploads.walk(tree)} == _listing(copy)


def test_application_is_uploaded_and_what_surrounds_it_is_not(tree: Path) -> None:
    found = {str(path) for path in uploads.walk(tree)}
    assert set(UPLOADED) <= found
    assert found.isdisjoint([*LEFT_OUT, *ENVIRONMENTS])


@pytest.mark.parametrize("name", LEFT_OUT)
def test_path_below_an_excluded_directory_is_excluded(name: str) -> None:
    assert uploads.is_excluded(PurePosixPath(name))


@pytest.mark.parametrize("name", UPLOADED)
def test_path_of_the_application_is_not_excluded(name: str) -> None:
    assert not uploads.is_excluded(PurePosixPath(name))


def test_only_a_directory_is_excluded_by_a_pattern_for_directories() -> None:
    assert uploads.is_excluded(PurePosixPath("src/CVS"), directory=True)
    assert not uploads.is_excluded(PurePosixPath("src/CVS"))
