"""What the command `silver` shows of a playbook: steps, times, results, and failures in full."""

DOCUMENTATION = """
name: silver
type: stdout
short_description: The output of the command silver
description:
  - Prints a line for each task that changed something, failed or took more than two seconds, with
    its time and result; the other tasks are only shown, on a terminal, while they run.
  - The message of a task that failed is printed in full, as text, with what the program that it
    ran printed.
  - The command C(silver) uses it unless it is given C(-v). Plain C(ansible-playbook) has Ansible's
    own output.
requirements:
  - Set as ANSIBLE_STDOUT_CALLBACK by the command.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import constants, context
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

SLOW_SECONDS = 2.0
"""A task that took longer is shown though it changed nothing."""

SAYING = frozenset(
    {
        *constants._ACTION_DEBUG,
        "silver_backup",
        "silver_command",
        "silver_restore",
        "silver_update",
    }
)
"""Actions whose message is for the person who started the playbook."""

OUTPUT_KEYS = ("stdout", "stderr", "module_stdout", "module_stderr")
"""Where the result of a failed task has what a program printed."""


class CallbackModule(CallbackBase):
    """Prints what a person wants to see of a playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "silver"

    def __init__(self) -> None:
        super().__init__()
        self._began = self._task_began = time.monotonic()
        self._task = ""
        self._changed: set[str] = set()
        self._passing = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._only_looks = bool(context.CLIARGS.get("check"))

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """Show what is being done, until it is done."""
        self._task, self._task_began = task.get_name().rpartition(" : ")[2], time.monotonic()
        if self._passing:
            sys.stdout.write(f"\r\033[K{self._task} … ")
            sys.stdout.flush()

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """Show a handler as any other task."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Print a task that changed something or was slow, and what it has to say."""
        self._clear()
        self._handle_warnings(result.result)
        changed = bool(result.result.get("changed")) and not self._only_looks
        if changed:
            self._changed.add(result.task._uuid)
        if changed or time.monotonic() - self._task_began > SLOW_SECONDS:
            self._step(result, "changed" if changed else "ok", changed)
        if result.task.action in SAYING:
            self._display.display("\n".join(_message(result.result)))

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """Print why a task failed, in full."""
        if ignore_errors:
            return
        self._failed(result, "FAILED")

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Print why a node could not be reached."""
        self._failed(result, "UNREACHABLE")

    def v2_runner_retry(self, result: CallbackTaskResult) -> None:
        """Tell that a task is tried again."""
        attempts, retries = result.result.get("attempts"), result.result.get("retries")
        self._clear()
        self._display.display(f"{self._task}: trying again ({attempts} of {retries})")

    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        """Print the differences that --diff asks for."""
        results = result.result.get("results", [result.result])
        differences = [self._get_diff(each["diff"]) for each in results if each.get("diff")]
        if text := "".join(differences):
            self._clear()
            self._display.display(text.rstrip("\n"))

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Tell that there was nothing to do."""
        self._display.display("There is no such node.", color=constants.COLOR_ERROR)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Print how it ended, if that does not stand above."""
        self._clear()
        seconds = f"{time.monotonic() - self._began:.1f} s"
        if stats.failures or stats.dark:
            nodes = sorted({*stats.failures, *stats.dark} - {"localhost"})
            where = f" on {', '.join(nodes)}" if nodes else ""
            self._display.display(f"Failed{where} after {seconds}.", color=constants.COLOR_ERROR)
        elif self._changed:
            count = len(self._changed)
            steps = "1 step" if count == 1 else f"{count} steps"
            self._display.display(f"Done in {seconds}; {steps} changed something.")
        else:
            self._display.display(f"Done in {seconds}; nothing was changed.")

    def _failed(self, result: CallbackTaskResult, word: str) -> None:
        self._clear()
        self._handle_warnings(result.result)
        self._step(result, word, True, constants.COLOR_ERROR)
        items = result.result.get("results", [])
        failed = [each for each in items if each.get("failed")]
        for each in failed or [result.result]:
            lines = [*_label(each), *_reasons(each)] if len(items) > 1 else _reasons(each)
            self._display.display("\n".join(lines), color=constants.COLOR_ERROR)

    def _step(
        self, result: CallbackTaskResult, word: str, changed: bool, color: str | None = None
    ) -> None:
        seconds = time.monotonic() - self._task_began
        host = result.host.get_name()
        where = "" if host == "localhost" else host
        color = color or (constants.COLOR_CHANGED if changed else constants.COLOR_OK)
        line = f"{self._task:<44} {where:<12} {word:<8} {seconds:5.1f} s"
        self._display.display(line, color=color)

    def _clear(self) -> None:
        if self._passing:
            sys.stdout.write("\r\033[K")


def _reasons(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what went wrong: the message, then what the program that failed printed."""
    message = "\n".join(_message(result)).strip()
    reason = message or result.get("censored")
    yield reason or "It gave no reason; type the command again with -v."
    for key in OUTPUT_KEYS:
        text = str(result.get(key) or "").strip()
        if text and text not in message:
            yield text


def _label(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield which item of a loop a result is of."""
    if label := result.get("_ansible_item_label"):
        yield f"{label}:"


def _message(result: Mapping[str, Any]) -> list[str]:
    """Return the message of a result as lines; that of `debug` may be a list."""
    message = result.get("msg", "")
    return [str(each) for each in message] if isinstance(message, list) else [str(message)]
