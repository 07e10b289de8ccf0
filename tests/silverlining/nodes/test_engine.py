import os
from pathlib import Path
from typing import Any

import pytest

from silverlining import packages
from silverlining.nodes import engine
from silverlining.nodes.engine import EngineError


@pytest.fixture(autouse=True)
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point everything to a machine whose engine does not run."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "_SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(engine, "_PID_FILES", {tmp_path / "docker.pid": "dockerd"})
    monkeypatch.setattr(engine, "_answers", lambda: False)
    monkeypatch.setattr(engine, "_has_systemd", lambda: False)


def install_daemon(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    daemon = directory / "bin" / "dockerd"
    daemon.parent.mkdir()
    daemon.write_text(f"#!/bin/sh\n{script}\n")
    daemon.chmod(0o755)
    monkeypatch.setenv("PATH", f"{daemon.parent}:{os.environ['PATH']}")


def ignore(message: str) -> None:
    pass


def test_an_engine_that_answers_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_answers", lambda: True)
    monkeypatch.setattr(packages, "install", lambda *_: pytest.fail("installs"))
    assert not engine.ensure(ignore)


def test_a_daemon_that_dies_shows_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "as_root", list)
    install_daemon(tmp_path, monkeypatch, "seq 1 50; echo 'failed to mount' >&2; exit 1")
    with pytest.raises(EngineError) as error:
        engine.ensure(ignore)
    lines = str(error.value).splitlines()
    assert lines[0] == f"dockerd ended; from {tmp_path}/data/silverlining/dockerd.log:"
    assert lines[1:] == [f"  {number}" for number in range(42, 51)] + ["  failed to mount"]


def test_a_daemon_that_never_answers_is_an_error_after_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "as_root", list)
    monkeypatch.setattr(engine, "START_LIMIT", 0.5)
    install_daemon(tmp_path, monkeypatch, "exec sleep 5")
    with pytest.raises(EngineError, match="dockerd does not answer"):
        engine.ensure(ignore)


def test_without_root_one_line_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "as_root", lambda command: None)
    install_daemon(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(EngineError, match=r"^The Docker engine is not running\. Type: sudo .*$"):
        engine.ensure(ignore)


def test_a_missing_engine_without_root_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "as_root", lambda command: None)
    monkeypatch.setattr(engine, "_daemon_path", lambda: "/nonexistent")
    with pytest.raises(packages.PackageError, match=r"Type: sudo apt-get install .*docker\.io"):
        engine.ensure(ignore)


def test_somebody_elses_engine_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setattr(engine, "_start", lambda report: pytest.fail("starts"))
    with pytest.raises(EngineError, match=r"No Docker engine answers at tcp://127\.0\.0\.1:9"):
        engine.ensure(ignore)


@pytest.mark.parametrize(
    ("pid", "removed"),
    [("1", True), ("4194399", True), (str(os.getpid()), False)],
    ids=["another program's", "nobody's", "its own"],
)
def test_only_a_stale_pid_file_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: str, removed: bool
) -> None:
    monkeypatch.setattr(packages, "as_root", list)
    own_name = Path("/proc/self/comm").read_text().strip()
    pid_file = tmp_path / "docker.pid"
    pid_file.write_text(f"{pid}\n")
    engine._remove_if_stale(pid_file, own_name)
    assert pid_file.exists() is not removed


def test_a_failing_apt_shows_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "as_root", list)
    apt: Any = tmp_path / "apt-get"
    apt.write_text('#!/bin/sh\necho "E: Unable to locate package $5"; exit 100\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(packages.PackageError, match="Unable to locate package nonsense"):
        packages.install(["nonsense"], ignore)


@pytest.mark.parametrize("host", [None, "tcp://192.0.2.1"])
def test_an_engine_is_ours_to_start_if_it_is_installed_and_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str | None
) -> None:
    monkeypatch.setattr(engine, "_daemon_path", lambda: str(tmp_path / "bin"))
    assert not engine.is_installed()
    install_daemon(tmp_path, monkeypatch, "exit 1")
    if host:
        monkeypatch.setenv("DOCKER_HOST", host)
    assert engine.is_installed() is (host is None)
