"""The directory of a configuration: written as a whole, for its owner only."""

import os
import stat
from pathlib import Path, PurePosixPath

import pytest

from silverlining.develop import config_output
from silverlining.develop.config_output import File, OutputError

FILES = {
    PurePosixPath("site.ini"): File(b"new", 0o600),
    PurePosixPath("a/b/run.sh"): File(b"x", 0o700),
}


def found(out: Path) -> dict[str, tuple[str, bytes]]:
    return {
        str(path.relative_to(out)): (
            oct(stat.S_IMODE(path.stat().st_mode)),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(out.rglob("*"))
    }


WRITTEN = {
    "a": ("0o700", b""),
    "a/b": ("0o700", b""),
    "a/b/run.sh": ("0o700", b"x"),
    "site.ini": ("0o600", b"new"),
}


@pytest.mark.parametrize("there", [False, True])
def test_a_configuration_is_for_its_owner_only(tmp_path: Path, there: bool) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir(mode=0o700)
    before = os.umask(0)
    try:
        config_output.write(FILES, out)
    finally:
        os.umask(before)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert found(out) == WRITTEN
    assert list(tmp_path.iterdir()) == [out]


def test_other_files_stay_and_those_of_the_same_name_are_replaced(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    (out / "a").mkdir(parents=True, mode=0o700)
    (out / "a/mine").write_text("mine")
    (out / "a/mine").chmod(0o640)
    outside.write_text("mine")
    (out / "site.ini").symlink_to("../outside")
    config_output.write(FILES, out)
    assert found(out) == WRITTEN | {"a/mine": ("0o640", b"mine")}
    assert outside.read_text() == "mine"


def test_a_directory_behind_a_link_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    config_output.write(FILES, tmp_path / "out")
    assert found(tmp_path / "real") == WRITTEN
    assert (tmp_path / "out").is_symlink()


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(OSError, match="No space"):
        config_output.write(FILES, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_there_stays_the_one_it_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o700)
    before = out.stat().st_ino
    config_output.write(FILES, out)
    assert out.stat().st_ino == before
    assert found(out) == WRITTEN


def test_a_place_that_will_not_do_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "config").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("")
    (tmp_path / "link").symlink_to("app/config")
    (tmp_path / "empty").mkdir()
    problems = {
        "app": "is inside the application",
        "app/new": "is inside the application",
        "link": "is inside the application",
        "missing/new": "there is no such directory",
        "file": "is a file",
        "full": "--force",
    }
    for name, problem in problems.items():
        with pytest.raises(OutputError, match=problem):
            config_output.check_target(tmp_path / name, app, force=False)
    config_output.check_target(tmp_path / "full", app, force=True)
    for name in ("empty", "new"):
        config_output.check_target(tmp_path / name, app, force=False)
