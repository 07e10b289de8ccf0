"""What is noted of the runs of a job: in the app's log, and as the state of the last one.

A run of `cron.*` is one block of the log, as a request is, and leaves none if it wrote nothing and
went well. What a worker writes is put down as what is written outside of requests.
"""

from __future__ import annotations

import os
import signal
import time

from silversupport import job_state
from silversupport.app_log import AppLog
from silversupport.job_state import State

SIGNALLED = 128
"""Added to a signal's number, makes the exit status of what it ended, as in a shell."""

REASONS = {
    "timeout": "it took longer than role variable app_cron_timeout allows",
    "oom-kill": "it took more memory than role variable app_memory_max allows",
}
KILLED = "it did not end in time (role variable app_job_stop_timeout)"


class Job:
    """A job of the app in whose environment this process runs.

    Args:
        name: `cron.NAME` or `worker.NAME`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_worker = name.startswith("worker.")
        self.directory = os.environ["STATE_DIRECTORY"]
        self.run = os.environ["INVOCATION_ID"]

    def log(self, instance: str) -> AppLog:
        """Return the app's log, for events of an instance."""
        return AppLog(os.environ["SILVER_LOGS"], instance)

    def event(self, **more: object) -> dict[str, object]:
        """Return an event of the log. A worker's are of no request: it may run for months."""
        return {"job": self.name, **({} if self.is_worker else {"request": self.run}), **more}


def conclude(job: Job, state: State, status: int, reason: str = "") -> None:
    """Note the end of a run.

    Args:
        job: the job.
        state: what is kept of the run.
        status: its exit status.
        reason: what ended it; empty if it ended by itself.
    """
    now = time.time()
    began, failed = state.get("began", now), bool(status or reason)
    about = {"ended": now, "status": status, "reason": reason}
    job_state.save(job.directory, job.name, {**state, **about})
    log = job.log(state["instance"])
    if job.is_worker:
        how = f"ended with exit status {status}{reason and f': {reason}'}\n"
        stream = "error" if failed else "job"
        log.append(job.event(stream=stream, text=how, pid=state.get("pid", 0)))
    elif failed or state.get("wrote"):
        why = [job.event(stream="error", text=f"{reason}\n")] if reason else []
        end = {"event": "end", "status": status, "failed": failed, "began": began}
        log.append(*why, job.event(**end, seconds=max(0.0, round(now - began, 6))))


def ended(job: Job) -> None:
    """Note the end of the run that systemd has just seen ending, if it did not do so itself.

    systemd tells how it ended in the environment: systemd.exec(5), `$SERVICE_RESULT`.
    """
    state = job_state.load(job.directory, job.name)
    if state.get("run") != job.run or "ended" in state:
        return  # It never began, or has noted it.
    code, word = os.environ.get("EXIT_CODE", ""), os.environ.get("EXIT_STATUS", "")
    status = int(word) if code == "exited" and word.isdecimal() else _signalled(word)
    reason = REASONS.get(os.environ.get("SERVICE_RESULT", ""), "")
    conclude(job, state, status, reason or (KILLED if state.get("killed") else ""))


def _signalled(word: str) -> int:
    return SIGNALLED + getattr(signal, f"SIG{word}", 0)
