"""Scripts of an app, run in its own environment with its user, limits and sandbox."""

import os
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from silvernode import executables, interrupts, locks, script_files, terminal, units
from silvernode.data import evidence
from silvernode.errors import NodeError
from silvernode.executables import NotExecutable
from silvernode.layout import Layout
from silvernode.programs import run
from silvernode.routing.registry import find
from silversupport import update_variables

PLAIN_TERMINAL = {"SYSTEMD_ADJUST_TERMINAL_TITLE": "0", "SYSTEMD_TINT_BACKGROUND": "0"}
"""Keeps systemd-run from painting the terminal: https://systemd.io/ENVIRONMENT/"""

STOP_SECONDS = 5
"""Between the request to end and the end, where nobody waits for the script any more."""

OUTPUT_CHARACTERS = 20_000
"""What is kept of output that nobody watches: the last of it."""

CHUNK_BYTES = 65_536
LONGEST_CHARACTER = 4
"""In bytes of UTF-8."""

REASONS = {
    "oom-kill": ": it took more memory than role variable app_memory_max allows",
    "timeout": ": it took too long",
}


@dataclass(frozen=True)
class Outcome:
    """How a script ended.

    Attributes:
        result: systemd's word for it: `success`, `exit-code`, `signal`, `timeout`, `oom-kill`, …
        code: `exited`, `killed` or `dumped`.
        word: the exit status, or the signal's name without SIG.
    """

    result: str
    code: str
    word: str

    @property
    def status(self) -> int:
        """The exit status, as a shell gives it; never 0 if something else ended it."""
        if self.code == "exited":
            return int(self.word) or int(self.result in REASONS)
        return interrupts.SIGNALLED + _signal(self.word)

    @property
    def reason(self) -> str:
        """What ended it; empty if it ended by itself."""
        why = REASONS.get(self.result, "")
        if self.code == "exited":
            # A script may well end by itself when it is asked to.
            return why and f"ended{why}"
        return f"ended by SIG{self.word}{why}"


@dataclass(frozen=True)
class Script:
    """A script to be run.

    Attributes:
        layout: the node's paths.
        instance: whose it is.
        command: a file of the app or a program, and its arguments.
        id: what tells it from every other one, 32 hexadecimal digits.
        properties: further lines of its unit.
    """

    layout: Layout
    instance: str
    command: Sequence[str]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    properties: Sequence[str] = ()

    def run(self, stdio: str = "--pipe", output: int | None = None) -> tuple[Outcome, str]:
        """Run it to its end.

        Args:
            stdio: how systemd-run passes on this process's own streams, `--pipe` or `--pty`.
            output: where both of its outputs go, if not to this process's own.

        Returns:
            How it ended; the last `OUTPUT_CHARACTERS` of its output, if that was
            `subprocess.PIPE`.

        Raises:
            NotFound, NotExecutable: there is nothing to run.
            NodeError: it could not be started, or was interrupted and is stopped.
        """
        stdin, errors = (None, None) if output is None else (subprocess.DEVNULL, subprocess.STDOUT)
        process = None
        locks.directory(self.layout)  # systemd writes the note of its end there
        self._note.touch()
        try:
            with interrupts.held():
                process = subprocess.Popen(
                    self._command(stdio),
                    stdin=stdin,
                    stdout=output,
                    stderr=errors,
                    env=os.environ | PLAIN_TERMINAL,
                    process_group=0 if stdio == "--pty" else None,
                )
            if stdio == "--pty":
                terminal.lend(process, self._is_starting)
            printed = _last(process.stdout) if process.stdout else ""
            return self._outcome(process.wait()), printed
        except BaseException:
            interrupts.ignore()
            if process:
                process.kill()
                process.wait()
            # systemd may have the request yet to read. It starts nothing then: there is no note.
            self._note.unlink(missing_ok=True)
            self._stop()
            raise
        finally:
            self._note.unlink(missing_ok=True)

    def _command(self, stdio: str) -> list[str]:
        tree = self.layout.www / self.instance
        script, *arguments = self.command
        program = executables.find(tree, script)
        app = self.instance.partition(".")[0]
        # Without what systemd itself tells at the end, a script that SIGTERM ended would look like
        # one that succeeded, and one that died like one that said 255: systemd-run(1), --wait.
        note = f"echo $$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS >{shlex.quote(str(self._note))}"
        properties = [
            *units.properties(self.layout, app, self.instance),
            f"EnvironmentFile=-{update_variables.path(self.layout.run(self.instance))}",
            f"Environment=PATH={executables.search_path(tree)}",
            # What is printed is seen at once, into a pipe too.
            "Environment=PYTHONUNBUFFERED=1",
            f"TimeoutStopSec={STOP_SECONDS}",
            "SendSIGHUP=yes",
            f"ConditionPathExists={self._note}",
            f"ExecStopPost=+/bin/sh -c '{note}'",
            *self.properties,
        ]
        options = ["--quiet", stdio, "--wait", "--collect", "--service-type=exec"]
        options += [f"--unit={self._unit}", *(f"--property={each}" for each in properties)]
        # systemd would put in the value of a variable: systemd.service(5), "Command lines".
        literal = [each.replace("$", "$$") for each in (*program, *arguments)]
        return ["systemd-run", *options, "--", *literal]

    @property
    def _unit(self) -> str:
        return units.script(self.instance.partition(".")[0], self.id)

    @property
    def _note(self) -> Path:
        return self.layout.locks / f"script-{self.id}"

    def _outcome(self, status: int) -> Outcome:
        """Return how the unit ended, and tell a script that ended from one that never began."""
        try:
            outcome = Outcome(*self._note.read_text().split())
        except (OSError, TypeError):
            raise NodeError(f"systemd could not start {self.command[0]}") from None
        # A unit that fails to start has one of systemd's own exit statuses, and systemd-run has 1.
        # It has 1 for a timeout and the like too, whatever the script's own status.
        if outcome.result == "exit-code" and outcome.status != status:
            raise NotExecutable(
                f"{self.command[0]} cannot be executed (systemd: {outcome.word}); is the program in"
                " its #! line on the node?"
            )
        return outcome

    def _is_starting(self) -> bool:
        shown = run("systemctl", "show", "--property=Job", "--value", self._unit, check=False)
        return shown.stdout.strip() not in ("", "0")

    def _stop(self) -> None:
        run("systemctl", "stop", self._unit, check=False)


def _signal(word: str) -> int:
    """Return the number of a signal that systemd names, such as TERM, RTMIN+1 or 33.

    Source: signal_to_string in
    https://github.com/systemd/systemd/blob/v252/src/basic/signal-util.c.
    """
    name, _, more = word.partition("+")
    return int(name) if name.isdecimal() else signal.Signals[f"SIG{name}"] + int(more or 0)


def _last(stream: IO[bytes]) -> str:
    """Read a stream to its end, and return the last of it: a script could fill the memory."""
    kept = b""
    with stream:
        while part := stream.read(CHUNK_BYTES):
            kept = (kept + part)[-OUTPUT_CHARACTERS * LONGEST_CHARACTER :]
    return kept.decode(errors="replace")[-OUTPUT_CHARACTERS:]


def run_captured(layout: Layout, instance: str, command: str, seconds: int) -> tuple[int, str]:
    """Run a script of an instance that nobody watches.

    Args:
        layout: the node's paths.
        instance: the instance's name.
        command: the script's path in the app, and its arguments, quoted as for a shell.
        seconds: how long it may take.

    Returns:
        Its exit status, and the last of what it printed.
    """
    script = Script(layout, instance, shlex.split(command), properties=[f"RuntimeMaxSec={seconds}"])
    outcome, output = script.run(output=subprocess.PIPE)
    return outcome.status, f"{output}{outcome.reason}"


def run_attached(layout: Layout, asked: Mapping[str, Any]) -> int:
    """Run a script with this process's own streams, and end it when its client goes away.

    Args:
        layout: the node's paths.
        asked: `location`, `script`, `arguments`, `id`, `tty` (whether it has a terminal), `node`
            (what to call it in an error).

    Returns:
        Its exit status.

    Raises:
        NodeError: nothing is served there, or it could not be run.
    """
    interrupts.end_with_client()
    try:
        if asked["tty"]:
            terminal.be_interrupted()
        instance = find(layout, asked["location"], asked["node"])
        command = [asked["script"], *asked["arguments"]]
        script = Script(layout, instance, command, check_id(asked["id"]))
        with evidence.noted(layout, instance.partition(".")[0]):
            outcome, _ = script.run("--pty" if asked["tty"] else "--pipe")
    finally:
        interrupts.ignore()
        script_files.discard(layout, check_id(asked["id"]))
    if outcome.reason:
        start = "\n" if asked["tty"] else ""  # its last line may be one that was just typed
        sys.stderr.write(f"{start}silver: {asked['script']} was {outcome.reason}\n")
    return outcome.status


def send_signal(identity: str, name: str) -> None:
    """Send a signal to every process of a script that runs.

    Raises:
        NodeError: it does not run, or there is no such signal.
    """
    unit = f"silver-script-*-{check_id(identity)}.service"
    if name not in signal.Signals.__members__:
        raise NodeError(f"not a signal: {name!r}")
    if not run("systemctl", "list-units", "--plain", "--no-legend", unit).stdout:
        raise NodeError("this script does not run")
    run("systemctl", "kill", f"--signal={name}", unit)


def stop_all(instance: str) -> None:
    """Stop the scripts of an instance that run still, since what had started them was killed."""
    shown = run(
        "systemctl",
        "show",
        "--property=Id,WorkingDirectory",
        units.script(instance.partition(".")[0], "*"),
    ).stdout
    for block in shown.split("\n\n"):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if found.get("WorkingDirectory", "").endswith(f"/{instance}"):
            run("systemctl", "stop", found["Id"], check=False)


def check_id(text: str) -> str:
    """Return what was given as the id of a script, if it is one.

    Raises:
        NodeError: it is not.
    """
    if not script_files.ID.fullmatch(text):
        raise NodeError(f"not the id of a script: {text!r}")
    return text
