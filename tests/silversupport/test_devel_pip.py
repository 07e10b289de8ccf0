"""What `bin/pip` makes of the scripts that pip writes; tests/silverlining installs for real."""

import subprocess
import sys
from pathlib import Path

import pytest

from silversupport import devel_pip


@pytest.mark.parametrize("directory", ["app/bin", "my app/bin"])
@pytest.mark.parametrize(
    "header", ["#!{}/python\n", "#!{}/python3.11\n", devel_pip.HEADER.decode()]
)
def test_a_script_starts_the_python_beside_it_wherever_that_is(
    tmp_path: Path, directory: str, header: str
) -> None:
    scripts = tmp_path / directory
    scripts.mkdir(parents=True)
    script = scripts / "hello"
    script.write_text(header.format(scripts) + "import sys\nprint(*sys.argv[1:])\n")
    script.chmod(0o750)
    devel_pip.make_portable(scripts, tmp_path)
    assert script.stat().st_mode & 0o777 == 0o750
    moved = scripts.rename(tmp_path / "moved")
    (moved / "python").symlink_to(sys.executable)
    done = subprocess.run([moved / "hello", "a b", "c"], capture_output=True, text=True, check=True)
    assert done.stdout == "a b c\n"


def test_a_script_of_pip_for_a_path_with_blanks_is_changed_too(tmp_path: Path) -> None:
    script = tmp_path / "hello"
    python = f'"{tmp_path}/python"'
    script.write_text(f"#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\npass\n")
    devel_pip.make_portable(tmp_path, tmp_path)
    assert script.read_bytes() == devel_pip.HEADER + b"pass\n"


@pytest.mark.parametrize(
    "content",
    ["#!/usr/bin/python3\n", "#!/bin/sh\nexec true\n", "\x7fELF", "", "#!/elsewhere/python\n"],
)
def test_other_files_are_left_alone(tmp_path: Path, content: str) -> None:
    script = tmp_path / "mine"
    script.write_text(content)
    (tmp_path / "python").symlink_to("/nowhere")
    before = script.stat().st_ino
    devel_pip.make_portable(tmp_path, tmp_path)
    assert (script.read_text(), script.stat().st_ino) == (content, before)
