from pathlib import Path

import pytest

from silverlining import checks, playbook
from silverlining.checks import Check


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    monkeypatch.setattr(checks, "LOGS", tmp_path / ".logs")
    return tmp_path


def parts(monkeypatch: pytest.MonkeyPatch, **commands: list[list[str]]) -> None:
    made = {
        part: [Check(part, str(number), command) for number, command in enumerate(each)]
        for part, each in commands.items()
    }
    monkeypatch.setattr(
        checks, "_PARTS", {part: (lambda p=part: made[p], checks.nothing) for part in made}
    )


def test_a_failing_part_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts(monkeypatch, lint=[["sh", "-c", "echo because; exit 3"]], unit=[["echo", "fine"]])
    assert checks.run(["lint", "unit"]) == 1
    out = capsys.readouterr().out
    assert "lint: 0: FAILED" in out
    assert "because" in out
    assert "unit: 0: passed" in out
    assert "fine" not in out


def test_a_check_that_has_to_be_alone_waits_for_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = Check("molecule", "alone", ["cat", "made"], is_alone=True)
    other = Check("molecule", "other", ["sh", "-c", "sleep 0.3; touch made"])
    monkeypatch.setattr(checks, "_PARTS", {"molecule": (lambda: [alone, other], checks.nothing)})
    assert checks.run(["molecule"]) == 0
    assert "molecule: alone: passed" in capsys.readouterr().out


def test_all_well_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    parts(monkeypatch, lint=[["true"], ["true"], ["true"]])
    assert checks.run(["lint"]) == 0


def test_checks_run_in_the_root_and_leave_a_log(root: Path) -> None:
    outcome = checks.run_check(Check("unit", "apps/my app", ["sh", "-c", "pwd; echo x >&2"]))
    assert outcome.output == f"{root}\nx\n"
    assert (root / ".logs/unit-apps-my-app.log").read_text() == outcome.output


def test_programs_of_this_environment_come_first() -> None:
    outcome = checks.run_check(Check("unit", "which", ["sh", "-c", "command -v pytest"]))
    assert outcome.output.strip() == playbook.program("pytest")


def test_pytests_closing_lines_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "echo noise; echo '12 passed, 1 skipped in 3.45s'"
    parts(monkeypatch, unit=[["sh", "-c", script]])
    checks.run(["unit"])
    assert "\n12 passed, 1 skipped in 3.45s\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        ("3 passed in 0.10s\n", ["3 passed in 0.10s"]),
        (
            "a\n===== 1 failed, 2 passed in 61.20s (0:01:01) =====\nb",
            ["===== 1 failed, 2 passed in 61.20s (0:01:01) ====="],
        ),
        ("12 passed the gate\n", []),
        ("  \x1b[2m│\x1b[0m ===== 11 passed in 15.74s\n", ["===== 11 passed in 15.74s"]),
        (
            "test_load.py::test_few[node-12]: 23.1 MB PSS\n1 passed in 2.50s\n",
            ["test_load.py::test_few[node-12]: 23.1 MB PSS", "1 passed in 2.50s"],
        ),
    ],
)
def test_closing_lines_are_found(output: str, lines: list[str]) -> None:
    assert checks.closing_lines(output) == lines


def test_every_sample_and_every_scenario_is_checked(root: Path) -> None:
    for name in ("apps/b/tests", "apps/a/tests", "apps/c", "molecule/base", "molecule/default"):
        (root / name).mkdir(parents=True)
    for name in ("base", "default"):
        (root / "molecule" / name / "molecule.yml").touch()
    assert [check.name for check in checks.unit()] == ["tests", "apps/a", "apps/b"]
    assert [check.name for check in checks.molecule()] == ["default", "base"]
