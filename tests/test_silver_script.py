"""The script `silver`, with a Python that only pretends: what it does is written to a log."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A Python that can be asked for its version, for `venv` and for `pip`, as the script does.
PYTHON = r"""#!/bin/bash
here=$(dirname "${BASH_SOURCE[0]}")
case "$*" in
  -V) cat "$FAKE/version" ;;
  "-c import sys"*low*) [[ $(<"$FAKE/version") != *" 3.10"* ]] ;;
  "-c import ensurepip"*) [[ ! -f $FAKE/no-venv ]] ;;
  "-c import sys; print"*) echo python3.11-venv ;;
  "-m venv --clear "*)
    echo venv >>"$FAKE/log"
    rm -rf "${@: -1}"
    mkdir -p "${@: -1}/bin"
    cp "$FAKE/bin/python3" "${@: -1}/bin/python"
    ;;
  *" install --require-hashes "*)
    echo packages >>"$FAKE/log"
    sleep "${PIP_SLEEP:-0}"
    if [[ -f $FAKE/broken ]]; then echo "the wheel is square"; exit 1; fi
    ;;
  *" install --no-deps "*)
    echo silver >>"$FAKE/log"
    touch "$here/installed"
    ;;
  "-P -m silverlining"*)
    [[ -f $here/installed ]] || exit 98
    printf "%s\n" "$0" "$PWD" "${@:4}"
    exit 7
    ;;
  *) echo "unexpected: $*" >&2; exit 99 ;;
esac
"""
ALL = ["venv", "packages", "silver"]


class Checkout:
    """A copy of the repository's own script, with a Python that pretends."""

    def __init__(self, directory: Path) -> None:
        self.root, self.fake = directory / "my checkout", directory / "fake"
        self.programs = "/usr/bin:/bin"
        self.root.mkdir()
        (self.fake / "bin").mkdir(parents=True)
        shutil.copy(ROOT / "silver", self.root)
        (self.root / "requirements.lock").write_text("click==8\n")
        (self.root / "pyproject.toml").touch()
        self.install("python3", PYTHON)
        self.python("Python 3.11.7")

    def install(self, name: str, script: str) -> None:
        """Put a program first in PATH."""
        (self.fake / "bin" / name).write_text(script)
        (self.fake / "bin" / name).chmod(0o755)

    def python(self, version: str) -> None:
        """Let Python say this version."""
        (self.fake / "version").write_text(version)

    def start(
        self, *arguments: str, script: Path | None = None, **environment: str
    ) -> "subprocess.Popen[str]":
        """Start ./silver."""
        path = f"{self.fake}/bin:{self.programs}"
        return subprocess.Popen(
            [str(script or self.root / "silver"), *arguments],
            env={"PATH": path, "FAKE": str(self.fake), **environment},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, script: Path | None = None) -> tuple[int, str, str]:
        """Run ./silver and return its exit status and output."""
        process = self.start(*arguments, script=script)
        out, err = process.communicate()
        return process.returncode, out, err

    def log(self) -> list[str]:
        """Return what was done since the last call."""
        path = self.fake / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_first_run_prepares_and_hands_over(checkout: Checkout) -> None:
    status, out, err = checkout.run("list-nodes", "two words")
    assert checkout.log() == ALL
    assert status == 7
    assert out.splitlines() == [
        f"{checkout.root}/.venv/bin/python",
        "/",
        "list-nodes",
        "two words",
    ]
    assert [line.split(" … ")[0] for line in err.splitlines()] == [
        "silver: making .venv with Python 3.11.7",
        "silver: installing the packages of requirements.lock",
        "silver: installing silver itself",
    ]
    assert all(line.endswith(" s") for line in err.splitlines())


def test_a_second_run_does_nothing_more(checkout: Checkout) -> None:
    checkout.run()
    checkout.log()
    status, _, err = checkout.run()
    assert (status, err, checkout.log()) == (7, "", [])


@pytest.mark.parametrize(
    ("file", "expected"),
    [("requirements.lock", ALL[1:]), ("pyproject.toml", ALL[1:]), (".venv/silver.stamp", ALL)],
)
def test_a_changed_file_is_noticed(checkout: Checkout, file: str, expected: list[str]) -> None:
    checkout.run()
    checkout.log()
    (checkout.root / file).write_text("changed")
    checkout.run()
    assert checkout.log() == expected
    checkout.run()
    assert checkout.log() == []


def test_another_python_means_another_environment(checkout: Checkout) -> None:
    checkout.run()
    checkout.log()
    checkout.python("Python 3.13.0")
    checkout.run()
    assert checkout.log() == ALL


def test_a_moved_checkout_is_noticed(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run()
    checkout.log()
    checkout.root = checkout.root.rename(tmp_path / "moved")
    checkout.run()
    assert checkout.log() == ALL


def test_it_works_through_a_symbolic_link(checkout: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "bin-silver"
    link.symlink_to(checkout.root / "silver")
    assert checkout.run(script=link)[0] == 7
    assert (checkout.root / ".venv").is_dir()


def test_a_failure_is_shown_and_the_next_run_begins_again(checkout: Checkout) -> None:
    (checkout.fake / "broken").touch()
    status, out, err = checkout.run()
    assert (status, out, checkout.log()) == (1, "", ALL[:2])
    assert "the wheel is square" in err
    (checkout.fake / "broken").unlink()
    assert checkout.run()[0] == 7
    assert checkout.log() == ALL


def test_a_run_that_was_killed_is_repeated(checkout: Checkout) -> None:
    process = checkout.start(PIP_SLEEP="30")
    wait_for(checkout.fake / "log", "packages")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    checkout.log()
    assert checkout.run()[0] == 7
    assert checkout.log() == ALL


def test_two_at_once_prepare_once(checkout: Checkout) -> None:
    first = checkout.start(PIP_SLEEP="1")
    wait_for(checkout.fake / "log", "packages")
    second = checkout.start()
    errors = [process.communicate()[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [7, 7]
    assert checkout.log() == ALL
    assert "waiting for another silver" in errors[1]


def test_an_old_python_is_one_line(checkout: Checkout) -> None:
    checkout.python("Python 3.10.1")
    for name in ("python3.11", "python3.12", "python3.13"):
        checkout.install(name, "#!/bin/sh\nexit 127\n")
    status, _, err = checkout.run()
    assert status == 1
    assert err.startswith("silver: needs Python 3.11 or newer")
    assert err.count("\n") == 1


@pytest.fixture
def without_venv(checkout: Checkout) -> Checkout:
    """Return a checkout on a Debian without python3-venv, whose user is not root."""
    (checkout.fake / "no-venv").touch()
    script = (checkout.root / "silver").read_text()
    assert "$EUID" in script
    (checkout.root / "silver").write_text(script.replace("$EUID", "1000"))
    checkout.install("apt-get", '#!/bin/sh\necho "apt $*" >>"$FAKE/log"; rm "$FAKE/no-venv"\n')
    return checkout


def test_a_missing_venv_module_is_installed(without_venv: Checkout) -> None:
    without_venv.install("sudo", '#!/bin/sh\nshift; exec "$@"\n')
    status, _, err = without_venv.run()
    assert status == 7
    assert without_venv.log() == ["apt install -qy --no-install-recommends python3.11-venv", *ALL]
    assert "installing python3.11-venv" in err


def test_without_sudo_it_says_what_to_type(without_venv: Checkout) -> None:
    without_venv.install("sudo", "#!/bin/sh\nexit 1\n")
    status, _, err = without_venv.run()
    assert (status, without_venv.log()) == (1, [])
    assert "type 'sudo apt-get install python3.11-venv'" in err
    assert err.count("\n") == 1


def test_a_missing_program_is_installed(without_venv: Checkout, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != "rsync":
            (programs / program.name).symlink_to(program)
    without_venv.programs = str(programs)
    without_venv.install("sudo", '#!/bin/sh\nshift; exec "$@"\n')
    without_venv.run()
    assert without_venv.log()[0] == "apt install -qy --no-install-recommends rsync"


def wait_for(path: Path, text: str) -> None:
    """Wait until a file has a text in it, at most ten seconds."""
    loop = 'until grep -q "$1" "$2"; do sleep 0.05; done 2>/dev/null'
    subprocess.run(["timeout", "10", "sh", "-c", loop, "sh", text, str(path)], check=True)
