"""A run of a job: its output in the app's log, its signals, its end; systemd is played by us."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from silverlining.playbook import ROOT

PATIENCE = 10
INSTANCE = "polls.20261122_001"


@dataclass
class Runs:
    """Runs of jobs of an app whose logs and state are in a directory."""

    directory: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, *command: str, job: str = "cron.tick", run: str = "r1", options: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        """Begin a run."""
        ours = [sys.executable, "-P", "-S", "-m", "silversupport.job", "run", *options, job, "--"]
        process = subprocess.Popen(
            [*ours, *command], env=self._variables(run), stdout=subprocess.PIPE, text=True
        )
        self.processes.append(process)
        return process

    def end(
        self, job: str = "cron.tick", run: str = "r1", result: str = "success", **more: str
    ) -> None:
        """Note the end of a run, as systemd has it done."""
        ours = [sys.executable, "-P", "-S", "-m", "silversupport.job", "ended", job]
        how = {"SERVICE_RESULT": result, "EXIT_CODE": "exited", "EXIT_STATUS": "0"} | more
        subprocess.run(ours, env=self._variables(run) | how, check=True)

    def python(self, code: str, **options: Any) -> int:
        """Run a script to its end, which is noted; its exit status."""
        job, run = options.get("job", "cron.tick"), options.get("run", "r1")
        status = self.start(sys.executable, "-uc", code, **options).wait(PATIENCE)
        self.end(job, run, EXIT_STATUS=str(status))
        return status

    def _variables(self, run: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "STATE_DIRECTORY": str(self.directory),
            "SILVER_LOGS": str(self.directory),
            "SILVER_INSTANCE_NAME": INSTANCE,
            "INVOCATION_ID": run,
        }

    @property
    def events(self) -> list[dict[str, Any]]:
        log = self.directory / "app.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def text(self) -> str:
        return "".join(event.get("text", "") for event in self.events)

    def state(self, job: str = "cron.tick") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / f"{job}.json").read_text())
        return found


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    found = Runs(tmp_path)
    yield found
    for process in found.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def eventually(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_is_a_block_of_the_log_from_its_begin_to_its_end(runs: Runs) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); print('é\\x00', end='')"
    code += "; sys.exit(3)"
    assert runs.python(code) == 3
    first, *written, last = runs.events
    assert {each["job"] for each in runs.events} == {"cron.tick"}
    assert {each["request"] for each in runs.events} == {"r1"}
    assert {each["instance"] for each in runs.events} == {INSTANCE}
    assert first["event"] == "begin"
    assert "".join(each["text"] for each in written) == "out\nerr\né\x00"
    assert (last["event"], last["status"], last["failed"]) == ("end", 3, True)
    assert 0 < last["seconds"] < PATIENCE
    assert last["began"] == first["time"]


def test_an_end_is_noted_once_and_at_once(runs: Runs) -> None:
    assert runs.start("echo", "out").wait(PATIENCE) == 0
    assert [event.get("event") for event in runs.events] == ["begin", None, "end"]
    runs.end()
    assert len(runs.events) == 3
    assert runs.state()["ended"]


def test_a_run_that_wrote_nothing_and_went_well_is_not_in_the_log(runs: Runs) -> None:
    assert runs.python("") == 0
    assert runs.events == []
    assert (runs.state()["status"], runs.state()["reason"]) == (0, "")


def test_a_run_that_wrote_nothing_and_failed_is(runs: Runs) -> None:
    assert runs.python("raise SystemExit(1)") == 1
    assert [event["status"] for event in runs.events] == [1]


def test_what_is_written_is_in_the_log_at_once(runs: Runs) -> None:
    runs.start(
        sys.executable, "-uc", "import time; print('now'); print('a', end=''); time.sleep(60)"
    )
    eventually(lambda: runs.text == "now\na")


def test_what_was_written_is_not_lost_when_all_of_it_is_killed(runs: Runs) -> None:
    code = "import os, signal; print('last words', end=''); os.kill(os.getppid(), signal.SIGKILL)"
    process = runs.start(
        sys.executable, "-uc", f"import time; print('first'); time.sleep(0.5); {code}"
    )
    assert process.wait(PATIENCE) == -signal.SIGKILL
    runs.end(result="signal", EXIT_CODE="killed", EXIT_STATUS="KILL")
    assert runs.text.startswith("first\n")
    assert runs.events[-1]["status"] == 137


def test_a_script_that_a_signal_ends_has_its_number_in_the_status(runs: Runs) -> None:
    assert runs.python("import os; print('words', end=''); os.kill(os.getpid(), 9)") == 137
    assert runs.text == "words"


@pytest.mark.parametrize(
    ("result", "said"), [("timeout", "app_cron_timeout"), ("oom-kill", "app_memory_max")]
)
def test_what_systemd_ended_says_why(runs: Runs, result: str, said: str) -> None:
    runs.start("sh", "-c", "kill -TERM $$").wait(PATIENCE)
    runs.end(result=result, EXIT_CODE="killed", EXIT_STATUS="TERM")
    assert said in runs.text
    assert (runs.events[-1]["failed"], runs.events[-1]["status"]) == (True, 143)
    assert said in runs.state()["reason"]


def test_a_job_never_runs_twice(runs: Runs) -> None:
    runs.start(sys.executable, "-uc", "import time; print('first'); time.sleep(60)")
    eventually(lambda: runs.text)
    assert runs.start("echo", "second", run="r2").wait(PATIENCE) == 0
    attached = runs.start("echo", "second", run="r3", options=("--attached",))
    assert attached.wait(PATIENCE) == 125
    runs.end(run="r2")
    assert runs.text == "first\n"
    assert runs.state()["run"] == "r1"


def test_it_does_not_while_anything_of_the_first_run_is_left(runs: Runs) -> None:
    first = runs.start(sys.executable, "-uc", "import time; print('first'); time.sleep(60)")
    eventually(lambda: runs.text)
    child = int(Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text())
    first.kill()
    first.wait()
    attached = runs.start("echo", "second", run="r2", options=("--attached",))
    assert attached.wait(PATIENCE) == 125
    os.kill(child, signal.SIGKILL)


def test_a_worker_that_is_told_to_stop_may_finish(runs: Runs) -> None:
    code = """
import signal, time
def stop(*_):
    time.sleep(0.3); print("finished"); raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
print("ready")
signal.pause()
"""
    process = runs.start(sys.executable, "-uc", code, job="worker.mail")
    eventually(lambda: "ready" in runs.text)
    process.terminate()
    assert process.wait(PATIENCE) == 0
    runs.end("worker.mail")
    assert runs.text == "started\nready\nfinished\nended with exit status 0\n"
    assert {each.get("request") for each in runs.events} == {None}
    assert len({each["pid"] for each in runs.events}) == 1


def test_one_that_does_not_is_killed_and_its_output_kept(runs: Runs) -> None:
    code = "import signal, time; signal.signal(15, lambda *_: print('no')); print('ready')"
    code += "\nwhile 1: time.sleep(1)"
    process = runs.start(sys.executable, "-uc", code, job="worker.mail", options=("--stop", "1"))
    eventually(lambda: "ready" in runs.text)
    process.terminate()
    assert process.wait(PATIENCE) == 0
    runs.end("worker.mail")
    assert "no\n" in runs.text
    assert "app_job_stop_timeout" in runs.text
    assert runs.events[-1]["stream"] == "error"


def test_a_worker_that_fails_tells_its_status(runs: Runs) -> None:
    assert runs.python("print('oh'); raise SystemExit(4)", job="worker.mail") == 4
    assert runs.text == "started\noh\nended with exit status 4\n"
    assert runs.events[-1]["stream"] == "error"


def test_what_a_run_leaves_in_the_background_does_not_keep_it(runs: Runs) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '5'], stdout=1).pid)"
    began = time.monotonic()
    assert runs.python(code) == 0
    assert time.monotonic() - began < 4
    os.kill(int(runs.text), signal.SIGKILL)


def test_somebody_who_watches_sees_the_output_too(runs: Runs) -> None:
    process = runs.start("echo", "seen", options=("--attached",))
    assert process.communicate(timeout=PATIENCE)[0] == "seen\n"
    assert runs.text == "seen\n"


def test_signals_come_to_a_watched_command_once(runs: Runs) -> None:
    code = "import signal, time; signal.signal(2, lambda *_: print('got it')); print('ready')"
    code += "; signal.pause()"
    process = runs.start(sys.executable, "-uc", code, options=("--attached",))
    eventually(lambda: "ready" in runs.text)
    child = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    for number in (process.pid, child):  # as systemctl kill does
        os.kill(number, signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert runs.text == "ready\ngot it\n"


def test_what_cannot_be_executed_says_so(runs: Runs) -> None:
    assert runs.start("/etc/passwd").wait(PATIENCE) == 126
    assert "/etc/passwd cannot be executed" in runs.text


def test_a_state_that_cannot_be_kept_does_not_keep_a_job_from_running(runs: Runs) -> None:
    (runs.directory / ".cron.tick.json").mkdir()
    assert runs.start("echo", "ran").wait(PATIENCE) == 0
    assert runs.text == "ran\n"
