"""Checkouts: which version of an application's code is in its directory."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from silverlining.app import checkouts


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "HGRCPATH"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.com\n")


def git(directory: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    settings += ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"]
    command = ["git", *settings, "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(directory: Path, *files: str) -> str:
    """Make a checkout with one commit; its id."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet")
    for name in files:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("one\n")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message=first")
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "polls"
    for directory in ("lib/python", "src", "static"):
        (root / directory).mkdir(parents=True)
    (root / "app.ini").write_text("")
    return root


def paths(app: Path) -> list[str]:
    return [str(each["path"]) for each in checkouts.find(app)]


def test_an_app_without_version_control_has_none(app: Path) -> None:
    assert checkouts.find(app) == []


def test_source_and_libraries_may_each_be_a_checkout(app: Path) -> None:
    libraries = repository(app / "lib/python", "django/__init__.py")
    source = repository(app / "src/polls", "polls/views.py", "polls/models.py", "gone.py")
    git(app / "src/polls", "checkout", "--quiet", "-b", "votes")
    (app / "src/polls/polls/views.py").write_text("two\n")
    (app / "src/polls/new file.py").write_text("")
    (app / "src/polls/staged.py").write_text("")
    git(app / "src/polls", "add", "staged.py")
    (app / "src/polls/gone.py").unlink()
    assert checkouts.find(app) == [
        {
            "path": "lib/python",
            "kind": "git",
            "revision": libraries,
            "branch": "main",
            "uncommitted": [],
            "uncommitted_count": 0,
        },
        {
            "path": "src/polls",
            "kind": "git",
            "revision": source,
            "branch": "votes",
            "uncommitted": ["D gone.py", "M polls/views.py", "A staged.py", "?? new file.py"],
            "uncommitted_count": 4,
        },
    ]


def test_a_checkout_in_another_is_one_of_its_own_and_no_change_of_the_other(app: Path) -> None:
    (app / "src/x.py").write_text("")
    repository(app, "app.ini", "src/x.py")
    repository(app / "src/polls", "views.py")
    (app / "src/polls/views.py").write_text("two\n")
    outer, inner = checkouts.find(app)
    assert (outer["path"], outer["uncommitted"]) == (".", [])
    assert (inner["path"], inner["uncommitted"]) == ("src/polls", ["M views.py"])


def test_an_app_in_a_larger_checkout_has_its_own_part_of_the_changes(tmp_path: Path) -> None:
    revision = repository(tmp_path / "all", "apps/polls/app.ini", "other/x.py")
    (tmp_path / "all/apps/polls/app.ini").write_text("two\n")
    (tmp_path / "all/other/x.py").write_text("two\n")
    (found,) = checkouts.find(tmp_path / "all/apps/polls")
    assert (found["path"], found["revision"]) == ("../..", revision)
    assert found["uncommitted"] == ["M apps/polls/app.ini"]


def test_a_larger_checkout_that_ignores_the_app_is_none_of_it(tmp_path: Path) -> None:
    repository(tmp_path / "home", "x.py")
    app = tmp_path / "home/work/polls"
    app.mkdir(parents=True)
    assert paths(app) == ["../.."]
    (tmp_path / "home/.gitignore").write_text("work\n")
    assert paths(app) == []


def test_a_submodule_and_a_worktree_have_a_file_for_a_marker(app: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", "x.py")
    repository(app, "app.ini")
    git(app, "submodule", "--quiet", "add", str(tmp_path / "other"), "src/other")
    git(tmp_path / "other", "worktree", "add", "--quiet", "--detach", str(app / "src/tree"))
    git(app, "commit", "--quiet", "--message=submodule")
    (app / "src/other/x.py").write_text("two\n")
    outer, submodule, worktree = checkouts.find(app)
    assert (outer["path"], outer["uncommitted"]) == (".", [])
    assert (submodule["revision"], submodule["uncommitted"]) == (other, ["M x.py"])
    assert (worktree["revision"], worktree["branch"]) == (other, "")


def test_before_the_first_commit_there_is_no_revision(app: Path) -> None:
    git(app, "init", "--quiet")
    (found,) = checkouts.find(app)
    assert (found["revision"], found["branch"]) == ("", "main")
    assert found["uncommitted"] == ["?? app.ini"]


def test_files_in_conflict_are_uncommitted(app: Path) -> None:
    repository(app, "a b.py")
    git(app, "checkout", "--quiet", "-b", "other")
    for branch in ("other", "main"):
        git(app, "checkout", "--quiet", branch)
        (app / "a b.py").write_text(branch)
        git(app, "commit", "--quiet", "--all", f"--message={branch}")
    with pytest.raises(subprocess.CalledProcessError):
        git(app, "merge", "other")
    (found,) = checkouts.find(app)
    assert found["uncommitted"] == ["UU a b.py"]


def test_of_many_uncommitted_files_a_hundred_are_listed(app: Path) -> None:
    repository(app)
    for number in range(103):
        (app / f"file{number}").write_text("")
    (found,) = checkouts.find(app)
    uncommitted = found["uncommitted"]
    assert isinstance(uncommitted, list)
    assert (len(uncommitted), found["uncommitted_count"]) == (100, 103)


def test_names_that_cannot_be_printed_are_quoted(app: Path) -> None:
    repository(app)
    (app / "a\nb").write_text("")
    (app / os.fsdecode(b"caf\xe9")).write_text("")
    (found,) = checkouts.find(app)
    assert found["uncommitted"] == ["?? 'a\\nb'", "?? caf\\xe9"]


@pytest.mark.parametrize("marker", [".hg", ".svn", ".bzr", ".jj", "_darcs"])
def test_a_checkout_that_cannot_be_read_is_named(
    app: Path, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (app / "src/polls" / marker).mkdir(parents=True)
    (found,) = checkouts.find(app)
    assert found == {
        "path": "src/polls",
        "kind": marker.strip("._"),
        "revision": "unknown",
        "branch": "",
        "uncommitted": [],
        "uncommitted_count": 0,
    }


def revision(app: Path) -> Any:
    (found,) = checkouts.find(app)
    return found["revision"]


def test_without_git_the_revision_is_unknown(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(app)
    monkeypatch.setenv("PATH", "")
    assert revision(app) == "unknown"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_repository_that_git_does_not_trust_is_unknown(app: Path) -> None:
    repository(app)
    for path in (app, *app.rglob("*")):
        os.chown(path, 12345, 12345)
    assert revision(app) == "unknown"


def test_a_damaged_repository_is_unknown(app: Path) -> None:
    repository(app)
    (app / ".git/HEAD").write_text("nonsense")
    assert revision(app) == "unknown"


def test_git_that_hangs_is_given_up(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / ".git").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nexec sleep 20\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(checkouts, "_SECONDS", 0.2)
    began = time.monotonic()
    assert revision(app) == "unknown"
    assert time.monotonic() - began < 5


def test_nothing_of_the_repository_is_run_or_written(app: Path, tmp_path: Path) -> None:
    repository(app, "x.py")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git(app, "config", "core.fsmonitor", str(trap))
    git(app, "config", "core.pager", str(trap))
    (app / ".git/hooks/post-index-change").symlink_to(trap)
    # A changed time would have `git status` refresh the index, and run that hook.
    os.utime(app / "x.py", (1, 1))
    before = (app / ".git/index").stat().st_mtime_ns
    assert len(checkouts.find(app)) == 1
    assert not (tmp_path / "sprung").exists()
    assert (app / ".git/index").stat().st_mtime_ns == before


def test_the_variables_that_a_git_hook_gets_do_not_mislead(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = repository(app)
    repository(tmp_path / "other", "x.py")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert revision(app) == expected


@pytest.mark.parametrize("hidden", [".venv", "lib/python3.11/site-packages/x", "node"])
def test_checkouts_that_are_not_uploaded_are_not_told_of(app: Path, hidden: str) -> None:
    repository(app / hidden)
    if not hidden.startswith("lib"):
        (app / hidden / "pyvenv.cfg").write_text("")
    assert checkouts.find(app) == []


def test_a_checkout_behind_a_link_is_told_of_once(app: Path) -> None:
    repository(app / "src/polls")
    (app / "static/polls").symlink_to("../src/polls")
    assert paths(app) == ["src/polls"]


@pytest.mark.skipif(not shutil.which("hg"), reason="Mercurial is not installed")
def test_a_checkout_of_mercurial_is_read_too(app: Path) -> None:
    def hg(*arguments: str) -> str:
        command = ["hg", "--cwd", str(app), "--config=ui.username=Ann", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    hg("init")
    (found,) = checkouts.find(app)
    assert found["revision"] == ""
    hg("commit", "--addremove", "--message=first")
    (app / "app.ini").write_text("two\n")
    (app / "new.py").write_text("")
    (found,) = checkouts.find(app)
    assert found["revision"] == hg("log", "--rev=.", "--template={node}")
    assert (found["branch"], found["uncommitted"]) == ("default", ["M app.ini", "?? new.py"])
