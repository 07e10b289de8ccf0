"""A directory is checked before it is uploaded as a deployment configuration."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from silverlining.app import app_config
from silverlining.app.app_config import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that nothing is wrong with."""
    config = tmp_path / "config"
    (config / "include").mkdir(parents=True)
    (config / "settings.ini").write_text("key = value\n")
    (config / "include/more.ini").write_text("")
    (config / "include/same.ini").symlink_to("../settings.ini")
    return config


def test_a_good_one_is_returned_absolute(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config.parent / "link").symlink_to("config")
    monkeypatch.chdir(config.parent)
    assert app_config.check(Path("link")) == config


def _make_link(target: str) -> Callable[[Path], None]:
    return lambda config: (config / "x").symlink_to(target)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "absolute link": (_make_link("/etc/passwd"), "x: is a symbolic link that leaves"),
    "link that leaves": (_make_link("../other"), "x: is a symbolic link that leaves"),
    "dangling link": (_make_link("nowhere"), "x: is a symbolic link that leads nowhere"),
    "pipe": (lambda config: os.mkfifo(config / "x"), "x: is neither a file nor a directory"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_uploaded_is_named(config: Path, case: str) -> None:
    make, message = BAD[case]
    make(config)
    with pytest.raises(ConfigError, match=message):
        app_config.check(config)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(config: Path) -> None:
    (config / "settings.ini").chmod(0)
    with pytest.raises(ConfigError, match="you may not read it"):
        app_config.check(config)


def test_all_problems_are_told_at_once(config: Path) -> None:
    (config / "a").symlink_to("/a")
    (config / "b").symlink_to("/b")
    with pytest.raises(ConfigError) as caught:
        app_config.check(config)
    assert str(caught.value).count("\n") == 1


def test_there_must_be_a_directory_with_a_file_in_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such directory"):
        app_config.check(tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file, not a directory"):
        app_config.check(tmp_path / "file")
    (tmp_path / "empty/below").mkdir(parents=True)
    with pytest.raises(ConfigError, match="there is no file in it"):
        app_config.check(tmp_path / "empty")


def test_what_is_left_out_is_not_tied_to_an_applications_root() -> None:
    filters = " ".join(app_config.FILTERS)
    assert "- .git" in filters
    assert "include" not in filters
