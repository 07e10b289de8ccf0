from pathlib import Path

import pytest

from silverlining.develop.serve import console, installed


def test_files_that_are_gone_are_not_named_beside_those_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.py").touch()
    console.tell_again({tmp_path / "x.py", tmp_path / "4913"}, tmp_path, 0.254)
    assert capsys.readouterr().err == "silver: x.py changed; started again in 0.25 s\n"
    console.tell_again({tmp_path / "removed.py"}, tmp_path, 0.2)
    assert "removed.py changed" in capsys.readouterr().err


def test_a_few_of_many_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.tell_again([tmp_path / f"{name}.py" for name in "edcba"], tmp_path, 1)
    assert "silver: a.py, b.py, c.py, 2 more changed;" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "text"), [(7, "ended with exit status 7"), (-11, "was ended by SIGSEGV")]
)
def test_the_end_of_a_process_is_described(status: int, text: str) -> None:
    assert text in console.end_of(status)


def test_missing_packages_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dpkg-query"
    program.write_text("#!/bin/sh\necho present installed\necho removed config-files\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    names = ["present", "removed", "unknown", "files/own.deb"]
    assert installed.missing(names) == ["removed", "unknown"]
    assert installed.missing(["files/own.deb"]) == []


def test_nothing_is_missing_where_that_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed.missing(["unknown"]) == []
