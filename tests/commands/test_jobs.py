"""`cron.NAME` and `worker.NAME` on a real node: they follow the active instance, never twice."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support.apps import change
from tests.support.commands import Done, must, silver

T = TypeVar("T")

LOCATION = "jobs.test"
INI = """
[production]
app_name = jobs
runner = src/app.py
default_location = jobs.test
service.files
cron.tick = *:*:* script:bin/tick.py {seconds} "two words" $HOME 100%
cron.ask = *:*:0/2 /tasks?x=1
cron.daily = *-*-* 00:00 script:bin/tick.py 0
worker.queue = script:bin/queue.py
"""
APP = """
def application(environ, start_response):
    job = environ.get("silverlining.cron")
    if environ["PATH_INFO"] == "/tasks":
        print("asked by", job, "at", environ["HTTP_HOST"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
    return [repr(job).encode()]
"""
NOTE = """
import os, sys, time
def note(*words):
    # One line a write, so that those of two processes do not mix.
    line = " ".join(map(str, [time.time(), os.environ["SILVER_INSTANCE_NAME"], *words])) + "\\n"
    fd = os.open(os.environ["CONFIG_FILES"] + "/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode())
"""
TICK = f"""{NOTE}
note("tick-begin", os.getpid())
time.sleep(float(sys.argv[1]))
print("arguments", sys.argv[2:])
note("tick-end", os.getpid())
"""
QUEUE = f"""{NOTE}
import signal
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
note("queue-begin", os.getpid())
while not stop:
    note("job-begin", os.getpid())
    for _ in range(20):
        time.sleep(0.1)
    note("job-end", os.getpid())
print("finished")
note("queue-end", os.getpid())
"""
UNITS = "'silver-cron-jobs-*' 'silver-worker-jobs-*'"

LATE = 30
"""Seconds within which something is to happen, on a busy machine."""


@dataclass(frozen=True)
class Note:
    """What a job noted: when, of which instance, what, and its process."""

    time: float
    instance: str
    what: str
    process: str


@dataclass
class Site:
    """The app on the node."""

    node: str
    way: Connection
    tree: Path
    began: float

    def update(self, **changes: str) -> Done:
        for path, text in changes.items():
            change(self.tree, path, text)
        return silver("update", self.tree, "--node", self.node)

    def silver(self, command: str, *arguments: str) -> Done:
        return silver(command, "--node", self.node, LOCATION, *arguments)

    def root(self, text: str) -> str:
        """Have root run a line of shell on the node; what it printed."""
        command = self.way.command(["/bin/sh", "-c", text])
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def notes(self, since: float = 0) -> list[Note]:
        written = self.root("cat /var/lib/silverlining/files/jobs/notes")
        found = [Note(float(line.split()[0]), *line.split()[1:]) for line in written.splitlines()]
        return [note for note in found if note.time >= (since or self.began)]

    def active(self) -> str:
        told = json.loads(must("query", self.node, LOCATION, "--json").out)
        (location,) = told["nodes"][0]["locations"]
        return str(location["instance"])

    def jobs(self) -> dict[str, dict[str, Any]]:
        told = json.loads(must("query", self.node, LOCATION, "--json").out)
        return {each["job"]: each for each in told["nodes"][0]["jobs"]}

    def blocks(self, job: str, *arguments: str) -> list[dict[str, Any]]:
        printed = must(
            "logs", LOCATION, "--node", self.node, "--json", "-n", "9999", *arguments
        ).out
        found = [json.loads(line) for line in printed.splitlines()]
        return [each for each in found if each["job"] == job]


def lines(block: dict[str, Any]) -> list[str]:
    return [line["text"] for line in block["lines"]]


def overlaps(notes: list[Note], begin: str, end: str) -> list[Note]:
    """The runs that began before the one before had ended."""
    running: set[str] = set()
    found = []
    for note in notes:
        if note.what == begin:
            found += [note] if running else []
            running.add(note.process)
        elif note.what == end:
            running.discard(note.process)
    return found


def until(find: Callable[[], T], seconds: float = LATE) -> T:
    """Look for something until it is there, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.3)
    return found


@pytest.fixture(scope="module")
def site(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tree = tmp_path_factory.mktemp("jobs")
    change(tree, "app.ini", INI.format(seconds="0.2"))
    change(tree, "src/app.py", APP)
    change(tree, "bin/tick.py", TICK)
    change(tree, "bin/queue.py", QUEUE)
    site = Site(node, connections.to_node(node), tree, time.time())
    must("update", tree, "--node", node)
    yield site
    must("deactivate", LOCATION, "--node", node, "--yes")


def wait(site: Site, what: str, since: float = 0, instance: str = "") -> Note:
    """Wait for a note, and return the first."""

    def found() -> list[Note]:
        notes = site.notes(since)
        return [each for each in notes if each.what == what and instance in each.instance]

    return until(found)[0]


def test_jobs_run_with_the_apps_environment_user_and_arguments(site: Site) -> None:
    wait(site, "tick-end")
    block = until(lambda: site.blocks("cron.tick"))[-1]
    assert lines(block) == ["arguments ['two words', '$HOME', '100%']"]
    assert (block["status"], block["failed"], block["instance"]) == (0, False, site.active())
    wait(site, "job-end")
    process = wait(site, "queue-begin").process
    assert site.root(f"stat -c %U /proc/{process}").strip() == "silver-jobs"
    limits = site.root("systemctl show -p MemoryMax,NoNewPrivileges silver-worker-jobs-queue")
    assert "MemoryMax=1073741824" in limits
    assert "NoNewPrivileges=yes" in limits


def test_a_request_carries_a_mark_that_no_visitor_can_forge(site: Site) -> None:
    printed = until(lambda: site.silver("logs").out.count("asked by ask at jobs.test"))
    assert printed
    token = site.root(
        f"grep -h SILVER_UPDATE_TOKEN /etc/silverlining/instances/{site.active()}.env"
    )
    forged = {"Host": LOCATION, "X-Silver-Cron": token.split('"')[1] + " ask"}
    answer = requests.get(f"http://{site.way.host}/", headers=forged, timeout=20)
    assert answer.text == "None"


def test_query_tells_of_them(site: Site) -> None:
    told = until(lambda: now if (now := site.jobs())["cron.tick"]["status"] is not None else {})
    tick, queue = told["cron.tick"], told["worker.queue"]
    assert tick["schedule"] == "*:*:*"
    assert told["cron.daily"]["next"].endswith("T00:00:00+00:00")
    assert (told["cron.daily"]["state"], told["cron.daily"]["began"]) == ("waiting", None)
    assert (tick["status"], tick["app"], tick["instance"]) == (0, "jobs", site.active())
    assert (queue["state"], queue["restarts"], queue["schedule"]) == ("running", 0, None)
    shown = must("query", site.node).out
    assert re.search(r"cron\.tick +\*:\*:\* ", shown)
    assert re.search(r"worker\.queue +running ", shown)


def test_at_a_switch_a_run_ends_and_no_second_one_begins_meanwhile(site: Site) -> None:
    first = site.active()
    done = site.update(**{"app.ini": INI.format(seconds="6")})
    assert done.status == 0, str(done)
    second = site.active()
    wait(site, "tick-begin", instance=second)
    began = time.time()
    done = site.update(**{"app.ini": INI.format(seconds="0.3")})
    assert done.status == 0, str(done)
    third = site.active()
    assert len({first, second, third}) == 3
    wait(site, "tick-end", began, third)
    notes = site.notes()
    ticks = [note for note in notes if note.what.startswith("tick-")]
    assert overlaps(ticks, "tick-begin", "tick-end") == []
    ended = [note for note in ticks if note.instance == second and note.what == "tick-end"]
    begun = [note for note in ticks if note.instance == third and note.what == "tick-begin"]
    assert ended, "the old instance's run was not let finish"
    assert ended[-1].time <= begun[0].time
    # The new instance has the timer from then on.
    assert not [note for note in ticks if note.time > begun[0].time and note.instance != third]


def test_a_worker_finishes_its_job_before_the_next_one_starts(site: Site) -> None:
    old = site.active()
    wait(site, "job-begin", instance=old)
    began = time.time()
    done = site.update(**{"src/more.py": f"# {began}"})
    assert done.status == 0, str(done)
    new = site.active()
    assert new != old
    wait(site, "job-end", began, new)
    notes = site.notes()
    last = [note for note in notes if note.instance == old and note.process]
    jobs = [note.what for note in last if note.what.startswith(("job-", "queue-"))]
    assert jobs[-2:] == ["job-end", "queue-end"]
    assert overlaps(notes, "queue-begin", "queue-end") == []
    text = [line for block in site.blocks("worker.queue") for line in lines(block)]
    assert "finished" in text
    assert "ended with exit status 0" in text


def test_a_cron_job_can_be_run_now(site: Site) -> None:
    before = len(site.blocks("cron.tick"))
    stopped = site.root("systemctl stop silver-cron-jobs-tick.timer && echo yes")
    assert stopped == "yes\n"
    try:
        until(
            lambda: (
                "inactive"
                in site.root("systemctl is-active silver-cron-jobs-tick.service silver-nothing")
            )
        )
        done = site.silver("run", "--cron", "tick")
        assert (done.status, done.out) == (0, "arguments ['two words', '$HOME', '100%']\n"), str(
            done
        )
        assert len(site.blocks("cron.tick")) > before
        # Not while it is under way, whoever began that.
        site.root(
            "systemd-run --quiet flock /var/lib/silverlining/jobs/jobs/cron.tick.lock sleep 3"
        )
        time.sleep(0.5)
        refused = site.silver("run", "--cron", "tick")
        assert (refused.status, refused.out) == (125, "")
        assert "cron.tick is under way" in refused.err
    finally:
        site.root("systemctl start silver-cron-jobs-tick.timer")
    unknown = site.silver("run", "--cron", "tock")
    assert unknown.status == 125
    assert "has no cron.tock in its app.ini; there is ask, daily, tick" in unknown.err


def test_a_worker_that_dies_at_once_is_told_of_by_the_update_and_by_query(site: Site) -> None:
    done = site.update(
        **{"bin/queue.py": "print('looking for it', flush=True)\nraise LookupError('no queue')"}
    )
    try:
        assert done.status == 0, str(done)
        said = " ".join(f"{done.out}{done.err}".split())
        assert "worker.queue of jobs." in said
        assert "ended right after its start" in said
        assert "LookupError: no queue" in said
        told = until(lambda: site.jobs()["worker.queue"]["restarts"] and site.jobs())
        queue = told["worker.queue"]
        assert queue["status"] == 1
        errors = [
            line for block in site.blocks("worker.queue", "--errors") for line in lines(block)
        ]
        assert "LookupError: no queue" in errors
        assert "ended with exit status 1" in errors
    finally:
        done = site.update(**{"bin/queue.py": QUEUE})
    assert done.status == 0, str(done)
    assert "ended right after its start" not in done.out


def test_a_run_that_is_killed_or_takes_too_long_is_in_the_log_with_what_it_wrote(
    site: Site,
) -> None:
    code = "import os, time\nprint('last words')\nos.kill(os.getpid(), 9)"
    assert site.update(**{"bin/tick.py": code}).status == 0
    try:
        killed = until(
            lambda: [each for each in site.blocks("cron.tick", "--errors") if each["status"] == 137]
        )[-1]
        assert lines(killed) == ["last words"]
        # The main process as well, so that nobody is left to read.
        code = "import os, time\nprint('before')\ntime.sleep(0.5)\nos.kill(os.getppid(), 9)\n"
        assert site.update(**{"bin/tick.py": code}).status == 0
        lost = until(
            lambda: [
                each for each in site.blocks("cron.tick", "--errors") if "before" in lines(each)
            ]
        )[-1]
        assert lost["failed"]
    finally:
        assert site.update(**{"bin/tick.py": TICK}).status == 0


def test_what_cannot_be_is_refused_before_anything_is_uploaded(site: Site) -> None:
    active, uploads = site.active(), site.root("ls /var/www/.staging")
    wrong = INI.format(seconds="0.3") + "cron.a = *-*-* 25:00 /x\ncron.b = 2020-01-01 /x\n"
    done = site.update(**{"app.ini": wrong})
    try:
        assert done.status != 0
        assert "cron.a: '*-*-* 25:00' is not a calendar expression of systemd" in done.out
        assert "cron.b: '2020-01-01' never comes" in done.out
        done = site.update(**{"app.ini": INI.format(seconds="1") + "cron.a = 30 3 * * * /x\n"})
        assert done.status != 0
        assert "write *-*-* 03:30 /x" in done.out + done.err
        assert (site.active(), site.root("ls /var/www/.staging")) == (active, uploads)
    finally:
        change(site.tree, "app.ini", INI.format(seconds="0.3"))


def test_a_reboot_brings_them_back_once(site: Site) -> None:
    wait(site, "job-begin", instance=site.active())
    before = time.time()
    subprocess.run(
        ["docker", "restart", "--time", "20", site.node], check=True, capture_output=True
    )
    # Containers that come and go meanwhile may have taken its address.
    site.way = connections.to_node(site.node)
    until(lambda: site.root("systemctl is-active multi-user.target") == "active\n", 4 * LATE)
    began = wait(site, "queue-begin", before).time
    wait(site, "tick-end", began)
    wait(site, "job-end", began)
    notes = [note for note in site.notes(before) if note.instance == site.active()]
    assert len([note for note in notes if note.what == "queue-begin"]) == 1
    # The run that the shutdown ended could not note its end.
    ticks = [note for note in notes if note.time >= began]
    assert overlaps(ticks, "tick-begin", "tick-end") == []
    assert site.jobs()["worker.queue"]["state"] == "running"


def test_nothing_is_left_of_them_where_the_app_is_not_served(site: Site) -> None:
    active = site.active()
    must("deactivate", LOCATION, "--node", site.node, "--yes")
    try:
        listed = site.root("ls -A /etc/systemd/system /etc/systemd/system/*.wants")
        assert not re.search("silver-cron-jobs-.*timer|wants.*silver-worker-jobs", listed)
        until(lambda: "silver-" not in site.root(f"systemctl list-units --plain {UNITS}"))
        # What was under way needed its unit; this is done by itself an hour later.
        site.root(f"silver-node rest {active}")
        assert "jobs-" not in site.root("ls -A /etc/systemd/system /var/lib/systemd/timers")
    finally:
        assert site.update(**{"src/more.py": "# again"}).status == 0
    until(lambda: site.jobs()["worker.queue"]["state"] == "running")
