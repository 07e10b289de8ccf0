"""The upload with a real rsync, to a directory of this machine that plays the node."""

import os
import stat
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from silverlining.app.uploads import rsync_filters
from silverlining.deploy.transfer import Transfer, TransferError, overlaid


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application's directory."""
    app = tmp_path / "app"
    for name in ("app.ini", "bin/run.sh", "src/a.py", "src/sub/b.py", "__pycache__/a.pyc"):
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    (app / "bin/run.sh").chmod(0o777)
    (app / "src/a.py").chmod(0o600)
    (app / "src/link.py").symlink_to("a.py")
    return app


@pytest.fixture
def transfer(app: Path, tmp_path: Path) -> Transfer:
    """A transfer whose ssh is a shell on this machine."""
    ssh = tmp_path / "ssh it"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != node ]; do shift; done; shift; exec sh -c "$*"\n')
    ssh.chmod(0o755)
    command = [str(ssh), "-o", "A=b c"]
    filters = rsync_filters(app)
    return Transfer(app, command, "node", sudo=False, group=str(os.getgid()), filters=filters)


@pytest.fixture
def active(transfer: Transfer, tmp_path: Path) -> Path:
    """What was uploaded the time before."""
    active = tmp_path / "active"
    transfer.upload(str(active), "")
    return active


def test_an_upload_is_the_application_without_what_is_made_again(app: Path, active: Path) -> None:
    assert {str(path.relative_to(active)) for path in active.rglob("*") if not path.is_dir()} == {
        "app.ini",
        "bin/run.sh",
        "src/a.py",
        "src/sub/b.py",
        "src/link.py",
    }
    assert (active / "src/link.py").readlink() == Path("a.py")


def test_an_upload_is_readable_by_its_group_and_by_nobody_else(active: Path) -> None:
    modes = {
        str(path.relative_to(active)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in (active / "bin/run.sh", active / "src/a.py", active / "app.ini", active / "src")
    }
    assert modes == {"bin/run.sh": "0o750", "src/a.py": "0o640", "app.ini": "0o640", "src": "0o750"}


def test_what_has_not_changed_is_shared(
    app: Path, transfer: Transfer, active: Path, tmp_path: Path
) -> None:
    (app / "src/a.py").write_text("longer than before\n")
    new = tmp_path / "new"
    transfer.upload(str(new), str(active))
    assert (new / "app.ini").samefile(active / "app.ini")
    assert not (new / "src/a.py").samefile(active / "src/a.py")
    assert (active / "src/a.py").read_text() == "src/a.py\n"


def test_a_new_time_alone_is_no_change(app: Path, transfer: Transfer, active: Path) -> None:
    for path in (app / "src/a.py", app / "src/link.py"):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert transfer.compare(str(active)) == []


def test_a_change_that_keeps_size_and_time_is_one(
    app: Path, transfer: Transfer, active: Path
) -> None:
    before = (app / "src/a.py").stat()
    (app / "src/a.py").write_text("src/b.py\n")
    os.utime(app / "src/a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [(change.word, change.path) for change in transfer.compare(str(active))] == [
        ("changed", "src/a.py")
    ]


def test_nothing_differs_from_what_was_just_uploaded(transfer: Transfer, active: Path) -> None:
    assert transfer.compare(str(active)) == []


def test_every_difference_is_told_and_none_is_made(
    app: Path, transfer: Transfer, active: Path
) -> None:
    (app / "src/a.py").write_text("longer than before\n")
    (app / "src/sub/b.py").unlink()
    (app / "static").mkdir()
    (app / "static/with two words.txt").write_text("new\n")
    (app / "bin/run.sh").chmod(0o644)
    changes = {change.path: change for change in transfer.compare(str(active))}
    assert {path: change.word for path, change in changes.items()} == {
        "bin/run.sh": "changed",
        "src/a.py": "changed",
        "src/sub/b.py": "removed",
        "static/": "added",
        "static/with two words.txt": "added",
    }
    room = {path: change.upload_bytes for path, change in changes.items() if change.upload_bytes}
    assert room["src/a.py"] == len("longer than before\n")
    assert room["static/with two words.txt"] == len("new\n")
    assert (active / "src/a.py").read_text() == "src/a.py\n"
    assert not (active / "static").exists()


def test_a_first_upload_adds_everything(transfer: Transfer, tmp_path: Path) -> None:
    changes = transfer.compare(str(tmp_path / "nothing"))
    assert {change.word for change in changes} == {"added"}
    assert "src/sub/b.py" in {change.path for change in changes}


def test_a_login_user_becomes_root(
    transfer: Transfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sudo = tmp_path / "bin/sudo"
    sudo.parent.mkdir()
    sudo.write_text(f'#!/bin/sh\necho "$1 $2" > {tmp_path}/asked\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sudo.parent}:{os.environ['PATH']}")
    replace(transfer, sudo=True).upload(str(tmp_path / "new"), "")
    assert (tmp_path / "asked").read_text() == "-n rsync\n"


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ((11, "rsync: write failed: No space left on device (28)"), "disk is full; make room"),
        ((24, "file has vanished"), "vanished while they were uploaded"),
        ((255, "Permission denied (publickey)."), "rsync failed: Permission denied"),
        ((12, ""), "rsync failed: exit status 12"),
    ],
)
def test_a_failure_says_what_to_do(
    transfer: Transfer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: tuple[int, str],
    message: str,
) -> None:
    status, error = failure
    rsync = tmp_path / "bin/rsync"
    rsync.parent.mkdir()
    rsync.write_text(f"#!/bin/sh\necho '{error}' >&2\nexit {status}\n")
    rsync.chmod(0o755)
    monkeypatch.setenv("PATH", f"{rsync.parent}:{os.environ['PATH']}")
    with pytest.raises(TransferError, match=message):
        transfer.upload(str(tmp_path / "new"), "")


def test_an_ipv6_address_is_written_as_rsync_wants_it(
    transfer: Transfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rsync = tmp_path / "bin/rsync"
    rsync.parent.mkdir()
    rsync.write_text(f'#!/bin/sh\nfor last; do :; done\necho "$last" > {tmp_path}/to\n')
    rsync.chmod(0o755)
    monkeypatch.setenv("PATH", f"{rsync.parent}:{os.environ['PATH']}")
    replace(transfer, host="2001:db8::1").upload("/var/www/x", "")
    assert (tmp_path / "to").read_text() == "[2001:db8::1]:/var/www/x/\n"


def test_an_overlay_is_uploaded_in_the_place_of_files_and_the_app_is_not_touched(
    app: Path, transfer: Transfer, tmp_path: Path
) -> None:
    before = (app / "src/a.py").read_text()
    with overlaid(app, {PurePosixPath("src/a.py"): b"rewritten"}) as overlay:
        over = replace(transfer, overlay=overlay)
        over.upload(str(tmp_path / "new"), "")
        assert over.compare(str(tmp_path / "new")) == []
        over.upload(str(tmp_path / "next"), str(tmp_path / "new"))
    assert overlay is not None
    assert not overlay.exists()
    assert (tmp_path / "new/src/a.py").read_text() == "rewritten"
    assert (tmp_path / "next/src/a.py").samefile(tmp_path / "new/src/a.py")
    assert (tmp_path / "new/src/sub/b.py").exists()
    assert stat.S_IMODE((tmp_path / "new/src").stat().st_mode) == 0o750
    assert (app / "src/a.py").read_text() == before
    assert [change.path for change in transfer.compare(str(tmp_path / "new"))] == ["src/a.py"]


def test_nothing_to_rewrite_is_no_overlay(app: Path) -> None:
    with overlaid(app, {}) as overlay:
        assert overlay is None
