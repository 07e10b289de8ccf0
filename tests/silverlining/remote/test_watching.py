import os
import signal
import subprocess
import sys
import time

import pytest

WATCH = "import sys; from silverlining.remote.watching import watch; sys.exit(watch(sys.argv[1:]))"


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -KILL $$", 137)])
def test_the_exit_status_is_the_programs(script: str, status: int) -> None:
    done = subprocess.run([sys.executable, "-c", WATCH, "sh", "-c", script], check=False)
    assert done.returncode == status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_program_ends_with_the_one_who_watches(number: signal.Signals) -> None:
    script = "echo $$; exec sleep 60"
    with subprocess.Popen(
        [sys.executable, "-c", WATCH, "sh", "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    assert time.monotonic() - began < 2
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_it_reads_nothing_from_the_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, "cat"],
        input="typed",
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == ""
