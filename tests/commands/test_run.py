"""`silver run`, typed: streams, signals, exit status, files and prompts of a script on a node."""

import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from silverlining import playbook
from silverlining.playbook import ROOT
from silverlining.remote import connections
from silverlining.remote.connections import Connection
from tests.support.commands import Done, must, silver
from tests.support.node import eventually

LOCATION = "run.test"
FILES = {
    "app.ini": "[production]\napp_name = runner\nrunner = src/site.py\nservice.postgis =\n",
    "src/site.py": """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"running"]
""",
    "lib/python/greeting.py": "WORD = 'hello'\n",
    "bin/show.py": """
import greeting, json, os, sys
sys.stderr.write("to stderr")
shown = {"arguments": sys.argv[1:], "word": greeting.WORD, "python": sys.executable}
shown |= {"user": os.environ["USER"], "directory": os.getcwd()}
print(json.dumps(shown))
""",
    "bin/read.py": """
import os, sys
for name in sys.argv[1:]:
    print(name, os.path.isfile(name) and open(name).read())
sys.exit(4)
""",
    "bin/wait.py": """
import sys, time
print("ready")
try:
    time.sleep(100)
except KeyboardInterrupt:
    print("tidied up")
    sys.exit(5)
""",
    "bin/stubborn.py": """
import signal, time
signal.signal(signal.SIGINT, lambda *_: print("not I"))
print("ready")
for _ in range(100):
    time.sleep(1)
""",
    "bin/tool": "#!/home/somebody/venv/bin/python3\nimport sys\nprint(sys.executable)\n",
    "bin/plain": "#!/bin/sh\necho plain $*\n",
    "bin/lost": "#!/no/such/perl\n",
    "bin/notes.txt": "not a script\n",
}
EXECUTABLE = ("bin/plain", "bin/lost")

PATIENCE = 30
GOAL = 1.0
"""Seconds that `silver run LOCATION true` may take more than `ssh NODE true`."""

ROUNDS = 5

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, node: str) -> Path:
    """An app with scripts, deployed."""
    root = tmp_path_factory.mktemp("run") / "runner"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if name in EXECUTABLE else 0o644)
    must("update", root, LOCATION, "--node", node, "--no-etc-hosts")
    return root


@pytest.fixture
def run(app: Path, node: str) -> Run:
    """Run a script at the location."""
    return lambda *arguments, **options: silver(
        "run", "--node", node, LOCATION, *arguments, **options
    )


@pytest.fixture(scope="module")
def way(node: str) -> Connection:
    """The way to the node."""
    return connections.to_node(node)


@pytest.fixture
def left(way: Connection) -> Iterator[Callable[[], str]]:
    """Tell what there is of scripts on the node; after the test there must be nothing."""
    units, files = (
        "'silver-script-runner-*'",
        "/var/lib/silverlining/tmp/runner/run-* /run/silverlining/script-*",
    )
    script = f"""
    systemctl list-units --plain --no-legend {units}
    pgrep -af 'silver-nod[e]'
    ls -d {files} 2>/dev/null
    """

    def on_node(script: str) -> str:
        command = way.command(["/bin/sh", "-c", script])
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout

    def look() -> str:
        return on_node(script)

    def check() -> None:
        assert look() == ""

    yield look
    try:
        eventually(check)
    except AssertionError:
        # The next test is to find nothing of this one. silver-node ends with its script, if at all.
        on_node(f"systemctl stop {units}; sleep 1; pkill -f 'silver-nod[e] run'; rm -rf {files}")
        raise


def terminal(node: str, *arguments: str, **options: Any) -> pexpect.spawn:  # type: ignore[type-arg]
    """Type the command into a terminal."""
    command = ["run", "--node", node, *arguments]
    return pexpect.spawn(
        str(ROOT / "silver"), command, timeout=PATIENCE, encoding="utf-8", **options
    )


def ended(child: Any) -> int:
    """Wait until the command in a terminal ends, and return its exit status."""
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus)


def test_a_script_has_the_environment_of_its_app(run: Run) -> None:
    done = run("show.py", "two words", "$HOME", "--node", "", "it's\n")
    assert done.status == 0, str(done)
    assert done.err == "to stderr"
    shown = json.loads(done.out)
    directory = shown.pop("directory")
    assert directory.startswith("/var/www/runner.")
    assert shown == {
        "arguments": ["two words", "$HOME", "--node", "", "it's\n"],
        "word": "hello",
        "python": "/usr/bin/python3",
        "user": "silver-runner",
    }


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("tool",), "/usr/bin/python3\n"),
        (("bin/tool",), "/usr/bin/python3\n"),
        (("plain", "and", "simple"), "plain and simple\n"),
        (("sh", "-c", "plain found in PATH"), "plain found in PATH\n"),
        (("/bin/echo", "absolute"), "absolute\n"),
        (("python", "-c", "import greeting; print(greeting.WORD)"), "hello\n"),
        (("psql", "-Atc", "select current_user, current_database()"), "silver-runner|runner\n"),
    ],
)
def test_what_can_be_run(run: Run, arguments: tuple[str, ...], printed: str) -> None:
    done = run(*arguments)
    assert (done.status, done.out) == (0, printed), str(done)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("sh", "-c", "exit 3"), 3, ""),
        (("sh", "-c", "exit 255"), 255, ""),
        (("sh", "-c", "kill -TERM $$"), 143, "silver: sh was ended by SIGTERM\n"),
        (("sh", "-c", "kill -KILL $$"), 137, "silver: sh was ended by SIGKILL\n"),
        (
            ("shwo.py",),
            127,
            "has no bin/shwo.py, and the node no program shwo.py; in bin/ there is",
        ),
        (("bin/gone.py",), 127, "there is no file bin/gone.py in runner."),
        (("notes.txt",), 126, "notes.txt is neither Python nor executable"),
        (("lost",), 126, "lost needs /no/such/perl, which the node does not have"),
    ],
)
def test_how_a_script_ends(run: Run, arguments: tuple[str, ...], status: int, said: str) -> None:
    done = run(*arguments)
    assert done.status == status, str(done)
    assert said in done.err if said else done.err == ""


def test_standard_input_arrives_byte_by_byte(app: Path, node: str) -> None:
    sent = os.urandom(300_000)
    done = subprocess.run(
        [ROOT / "silver", "run", "--node", node, LOCATION, "cat"],
        input=sent,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == sent


def test_output_is_seen_as_it_comes_and_a_reader_that_leaves_ends_the_script(
    app: Path, node: str, left: Callable[[], str]
) -> None:
    with subprocess.Popen(
        [ROOT / "silver", "run", "--node", node, LOCATION, "wait.py"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert "wait.py" in left()
        process.kill()


def test_files_that_are_named_are_uploaded_and_removed_again(
    run: Run, tmp_path: Path, left: Callable[[], str]
) -> None:
    (tmp_path / "data.csv").write_text("1,2,3")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/data.csv").write_text("4,5")
    done = run("read.py", "data.csv", "below/data.csv", "no.csv", "data.csv", cwd=tmp_path)
    assert done.status == 4, str(done)
    lines = [line.rpartition("/")[2] for line in done.out.splitlines()]
    assert lines == ["data.csv 1,2,3", "data.csv 4,5", "no.csv False", "data.csv 1,2,3"]
    assert done.out.startswith("/var/lib/silverlining/tmp/runner/run-")
    assert done.err == (
        "silver: uploading data.csv (5 bytes)\nsilver: uploading below/data.csv (3 bytes)\n"
    )


def test_files_stay_here_if_that_is_wanted(node: str, app: Path) -> None:
    done = silver("run", "--node", node, "--no-upload", LOCATION, "read.py", "app.ini", cwd=app)
    assert (done.err, done.out) == ("", f"app.ini {FILES['app.ini']}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runn.test", "true"), "nothing is served at runn.test on {node}; there is run.test"),
        (("prev.runn.test", "true"), "nothing is served at prev.runn.test"),
        (("-i", LOCATION, "true"), "-i needs a terminal"),
        (("-i", LOCATION, "--cron", "nightly"), "a cron job has no terminal"),
        (("--nod", LOCATION, "true"), "--nod"),
        ((LOCATION,), "give it a SCRIPT, or --cron NAME"),
        (("--node", "nowhere", LOCATION, "true"), "there is no node or set named nowhere"),
    ],
)
def test_what_is_no_failure_of_the_script(
    app: Path, node: str, arguments: tuple[str, ...], said: str
) -> None:
    done = silver("run", "--node", node, *arguments)
    assert done.status == 125, str(done)
    assert said.format(node=node) in done.err
    assert done.err.count("\n") == 1


def test_an_interrupt_reaches_the_script_which_may_tidy_up(
    app: Path, node: str, left: Callable[[], str]
) -> None:
    child = terminal(node, LOCATION, "wait.py")
    child.expect("ready")
    child.sendintr()
    child.expect("tidied up")
    assert ended(child) == 5


def test_a_second_interrupt_ends_a_script_that_does_not_listen(
    app: Path, node: str, left: Callable[[], str]
) -> None:
    child = terminal(node, LOCATION, "stubborn.py")
    child.expect("ready")
    child.sendintr()
    child.expect("Ctrl-C again kills it")
    child.expect("not I")
    child.sendintr()
    child.expect("ended by SIGKILL")
    assert ended(child) == 137


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_reach_the_script_too(
    app: Path, node: str, left: Callable[[], str], number: signal.Signals
) -> None:
    child = terminal(node, LOCATION, "wait.py")
    child.expect("ready")
    child.kill(number)
    child.expect(f"ended by {number.name}")
    assert ended(child) == 128 + number


@pytest.mark.parametrize("after", [0.05, 0.3, 0.5, 0.7, 0.9])
def test_an_interrupt_at_any_time_ends_everything_at_once(
    app: Path, node: str, left: Callable[[], str], after: float
) -> None:
    child = terminal(node, "-i", LOCATION, "sleep", "100")
    time.sleep(after)
    child.sendintr()
    began = time.monotonic()
    child.expect(pexpect.EOF)
    # That is how Python says that an interrupt was lost.
    assert "Exception ignored" not in str(child.before)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("options", [(), ("-i",)])
def test_nothing_stays_on_the_node_when_this_side_is_killed(
    app: Path, node: str, left: Callable[[], str], options: tuple[str, ...]
) -> None:
    child = terminal(node, *options, LOCATION, "wait.py")
    child.expect("ready")
    child.kill(signal.SIGKILL)
    child.close()


def test_python_in_a_terminal_is_a_prompt(app: Path, node: str) -> None:
    child = terminal(node, LOCATION, "python", env=os.environ | {"TERM": "dumb"})
    child.expect(">>> ")
    child.sendline("import greeting; greeting.WORD.upper()")
    child.expect("HELLO")
    child.sendline("while True: pass")
    child.sendline("")
    time.sleep(0.5)
    child.sendintr()
    child.expect("KeyboardInterrupt")
    child.sendline("raise SystemExit(7)")
    assert ended(child) == 7


def test_psql_in_a_terminal_is_a_prompt_of_the_database(app: Path, node: str) -> None:
    child = terminal(node, LOCATION, "psql", env=os.environ | {"TERM": "dumb"})
    child.expect("runner=> ")
    child.sendline(r"select 6 * 7;")
    child.expect("42")
    child.sendeof()
    assert ended(child) == 0


def test_a_terminal_has_the_size_of_ours_and_follows_it(app: Path, node: str) -> None:
    script = "trap 'stty size' WINCH; stty size; while :; do sleep 0.1; done"
    child = terminal(node, "-i", LOCATION, "sh", "-c", script, dimensions=(33, 99))
    child.expect("33 99")
    child.setwinsize(20, 50)
    child.expect("20 50")
    child.sendintr()
    assert ended(child) == 130


def test_the_batch_form_shows_the_output_and_fails_with_the_script(app: Path, node: str) -> None:
    command = [
        playbook.program("ansible-playbook"),
        "playbooks/run.yml",
        "-e",
        f"location={LOCATION}",
    ]
    command += ["-e", f"node={node}", "-e", "script='sh -c \"echo seen; exit $0\" 0'"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "- seen" in done.stdout
    command[-1] = command[-1].replace(" 0'", " 9'")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "rc: 9" in done.stdout


def test_a_run_takes_little_more_than_ssh(
    run: Run, way: Connection, record_property: Callable[[str, object], None]
) -> None:
    ssh = [*way.ssh, way.host, "true"]
    seconds: dict[str, list[float]] = {"ssh": [], "run": []}
    for _ in range(ROUNDS):
        began = time.monotonic()
        subprocess.run(ssh, check=True, stdin=subprocess.DEVNULL)
        seconds["ssh"].append(time.monotonic() - began)
        done = run("true")
        assert done.status == 0, str(done)
        seconds["run"].append(done.seconds)
    medians = {what: statistics.median(each) for what, each in seconds.items()}
    record_property("seconds", medians)
    assert medians["run"] - medians["ssh"] <= GOAL, medians
