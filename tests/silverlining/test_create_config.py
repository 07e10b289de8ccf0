"""`silver create-config`, in this process: what it asks for, writes and says."""

import stat
import sys
from pathlib import Path

import pytest

from silverlining import cli
from silverlining.develop import app_python

CHECKER = """
import os, sys
text = open(os.path.join(os.environ["SILVER_APP_CONFIG"], "site.ini")).read()
if "bad" in text: sys.exit("bad is bad, " + os.environ["SILVER_APP_NAME"])
"""
APP_INI = """
[production]
app_name = polls
runner = src/polls.py
default_location = polls.test
config.template = config
"""

TEMPLATE = "{{ location }} {{ mail }} {{ api_key }} {{ colour | default('red') }}\n"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "polls"
    for name, text in {
        "app.ini": APP_INI,
        "src/polls.py": "application = None",
        "bin/check.py": CHECKER,
        "config/site.ini": TEMPLATE,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(app_python, "interpreter", lambda _: Path(sys.executable))
    return root


def create(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["create-config", "polls", "out", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


GIVEN = ["--set", "mail=ann@example.com", "--set", "api_key=a=b"]


@pytest.mark.usefixtures("app")
def test_given_all_values_it_writes_and_names_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(*GIVEN) == 0
    file = tmp_path / "out/site.ini"
    assert file.read_text() == "polls.test ann@example.com a=b red\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert capsys.readouterr().out.splitlines() == [
        "Wrote out/site.ini",
        "Next: silver update polls --config out",
    ]


@pytest.mark.usefixtures("app")
def test_a_location_is_that_of_the_next_command_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create(*GIVEN, "--location", "WWW.Polls.test/a") == 0
    assert (tmp_path / "out/site.ini").read_text().startswith("www.polls.test/a ")
    assert capsys.readouterr().out.endswith("silver update polls www.polls.test/a --config out\n")


@pytest.mark.usefixtures("app")
def test_without_a_terminal_all_that_is_missing_is_one_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create() == 1
    assert capsys.readouterr().err == (
        "silver: the template needs values, and there is no terminal to ask:"
        " --set api_key=… --set mail=…\n"
    )
    assert create("--set", "mail=x") == 1
    assert "ask: --set api_key=…\n" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--set", "mial=x"], 1, "no variable mial; did you mean mail?"),
        (["--set", "mail"], 2, "Invalid value for '--set': 'mail': write NAME=VALUE"),
        (["--location", "a b"], 1, "is not a location"),
    ],
)
@pytest.mark.usefixtures("app")
def test_a_mistake_is_an_error_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    assert create(*arguments) == status
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("app_ini", "message"),
    [
        (APP_INI.replace("config.template = config", ""), "polls/app.ini: there is no config.temp"),
        (APP_INI.replace("= config", "= nothing"), "app.ini: config.template: there is no file"),
        (None, "app.ini: there is no such file"),
    ],
)
def test_an_app_without_a_template_is_an_error(
    app: Path, capsys: pytest.CaptureFixture[str], app_ini: str | None, message: str
) -> None:
    (app / "app.ini").unlink()
    if app_ini:
        (app / "app.ini").write_text(app_ini)
    assert create() == 1
    assert message in capsys.readouterr().err


def test_a_directory_that_is_not_empty_is_kept_unless_forced(
    app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/site.ini").write_text("old")
    assert create(*GIVEN) == 1
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "out/site.ini").read_text() == "old"
    assert create(*GIVEN, "--force") == 0
    assert (tmp_path / "out/site.ini").read_text() != "old"


def test_a_directory_that_may_not_be_written_to_is_an_error(
    app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", fail)
    assert create(*GIVEN) == 1
    assert capsys.readouterr().err == "silver: out: cannot be written (Read-only file system)\n"


@pytest.mark.parametrize("checker", ["script:bin/check.py --strict", "bin/check.py"])
def test_the_apps_own_check_decides(
    app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], checker: str
) -> None:
    (app / "app.ini").write_text(f"{APP_INI}config.checker = {checker}\n")
    assert create(*GIVEN) == 0
    capsys.readouterr()
    assert create("--set", "mail=bad", "--set", "api_key=", "--force") == 1
    printed = capsys.readouterr()
    assert "Next:" not in printed.out
    assert f"config.checker = {checker} refuses {tmp_path}/out (exit status 1)\n" in printed.err
    assert "bad is bad, polls\nThe files stay; edit them, or use --force\n" in printed.err
    assert "bad" in (tmp_path / "out/site.ini").read_text()


def test_a_check_for_which_a_service_is_missing_is_left_to_the_node(
    app: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from silversupport.errors import SilverError

    def fail(*_: object, **__: object) -> None:
        raise SilverError("no PostgreSQL here")

    monkeypatch.setattr(app_python, "environment", fail)
    (app / "app.ini").write_text(f"{APP_INI}config.checker = bin/check.py\n")
    assert create("--set", "mail=bad", "--set", "api_key=") == 0
    out = capsys.readouterr().out
    assert "not run here, but will be by 'silver update': no PostgreSQL here\nNext: " in out
