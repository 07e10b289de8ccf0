from pathlib import Path

import pytest

from silverlining import release


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("roles/app/tasks/main.yml", "silvernode/a.py", "playbooks/provision.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    ["roles/app/tasks/main.yml", "silversupport/new.py", "inventory/group_vars/all.yml"],
)
def test_a_change_to_what_is_installed_changes_the_digest(root: Path, name: str) -> None:
    before = release.digest(root)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("second")
    assert release.digest(root) != before


def test_a_mode_and_a_name_count(root: Path) -> None:
    digests = [release.digest(root)]
    (root / "silvernode/a.py").chmod(0o755)
    digests.append(release.digest(root))
    (root / "silvernode/a.py").rename(root / "silvernode/b.py")
    digests.append(release.digest(root))
    assert len(set(digests)) == 3


@pytest.mark.parametrize("name", ["silvernode/__pycache__/a.pyc", "apps/x/app.ini", "README.md"])
def test_nothing_else_does(root: Path, name: str) -> None:
    before = release.digest(root)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("second")
    assert release.digest(root) == before
