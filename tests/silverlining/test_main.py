"""`silver` while it starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def test_ctrl_c_while_it_is_imported_shows_no_traceback() -> None:
    command = [sys.executable, "-X", "importtime", "-P", "-m", "silverlining", "list-nodes"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        next(line for line in process.stderr if line.endswith(b" click.types\n"))
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in rest


def test_what_lies_where_it_is_typed_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('not this one')")
    command = [str(Path(__file__).parents[2] / "silver"), "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ)
    assert done.stdout.startswith("silver "), done.stderr
