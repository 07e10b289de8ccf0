"""``silver test``: every check of the project."""

import re
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from silverlining import packages, playbook
from silverlining.app import libraries
from silverlining.develop.serve import installed
from silverlining.nodes import engine
from silverlining.playbook import ROOT

LOGS = ROOT / ".logs"

AT_ONCE = 2
"""Checks that run side by side: the project's machines have two cores."""

ALONE = ("cluster",)
"""Scenarios that nothing else runs beside: a local node that is killed there has to come back at
its address, which the engine gives to whatever node is made meanwhile."""

SIDE_BY_SIDE = ("-n", str(AT_ONCE), "--dist=loadfile")
"""Makes pytest run the tests of so many files at once."""

LAPTOP_PACKAGES = (
    "age",
    "chromium",
    "curl",
    "gdal-bin",
    "git",
    "libpq5",
    "python3-lxml",
    "python3-psycopg2",
    "python3-sqlalchemy",
)
"""What a reader of the manual has, or is told to install on the laptop; and the browser."""

UNIT_PACKAGES = ("age",)
"""What unit tests run that is no library of Python."""

console = Console(highlight=False, soft_wrap=True)

SHELL_SCRIPTS = ("silver", ".ci/run")

# Pytest's last line tells a reader, and CI, how many tests there were; others, what they measured.
_CLOSING = re.compile(
    r"^[ │]*(=+ )?\d+ (passed|failed|error|skipped|deselected).* in [\d.]+s.*$", re.M
)

_FIGURE = re.compile(r"^[ │]*test_\w+\.py::.+\]: .+$", re.M)


@dataclass(frozen=True)
class Check:
    """One command that exits 0 if all is well.

    Attributes:
        part: the part that it belongs to.
        name: what tells it from the others of its part.
        command: the program and its arguments.
        is_alone: nothing else may run beside it.
    """

    part: str
    name: str
    command: Sequence[str]
    is_alone: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a check.

    Attributes:
        check: The check.
        passed: Whether it exited 0.
        seconds: How long it took.
        output: All that it printed; also in ``.logs/``.
    """

    check: Check
    passed: bool
    seconds: float
    output: str


def lint() -> list[Check]:
    """Return the checks that only read."""
    commands = {
        "ruff check": ["ruff", "check", "--quiet"],
        "ruff format": ["ruff", "format", "--check", "--quiet"],
        "mypy": ["mypy"],
        "yamllint": ["yamllint", "--strict", "."],
        "ansible-lint": ["ansible-lint", "--offline", "-q"],
        "shellcheck": ["shellcheck", *SHELL_SCRIPTS],
    }
    return [Check("lint", name, command) for name, command in commands.items()]


def unit() -> list[Check]:
    """Return the unit tests: ours, and those of each sample, which has its own libraries."""
    apps = sorted(path.parent.name for path in (ROOT / "apps").glob("*/tests"))
    command = ["pytest", "-q", *SIDE_BY_SIDE, "tests", "--ignore=tests/commands"]
    ours = Check("unit", "tests", command)
    theirs = [Check("unit", f"apps/{app}", ["pytest", "-q", f"apps/{app}/tests"]) for app in apps]
    return [ours, *theirs]


def molecule() -> list[Check]:
    """Return the scenarios, the whole site first since it takes the longest."""
    names = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    names.sort(key=lambda name: not name.startswith("default"))
    return [
        Check("molecule", name, ["molecule", "test", "-s", name], is_alone=name in ALONE)
        for name in names
    ]


def commands() -> list[Check]:
    """Return the tests of `silver` as its user types it, on local nodes."""
    return [Check("commands", "silver", ["pytest", "-q", *SIDE_BY_SIDE, "tests/commands"])]


def docs() -> list[Check]:
    """Return the commands of the README and the manual, run in order on a local node."""
    return [Check("docs", "commands", ["pytest", "-q", "docs/tests"])]


def prepare_units() -> None:
    """Give every sample its libraries, the tests of local nodes their engine, and backups age."""
    start_engine()
    install(UNIT_PACKAGES)
    for lock in sorted((ROOT / "apps").glob("*/requirements.lock")):
        libraries.fill(lock.parent)


def start_engine() -> None:
    """Make sure that a Docker engine answers."""
    engine.ensure(console.print)


def prepare_laptop() -> None:
    """Give the samples and the walkthroughs what their developer has on a laptop."""
    prepare_units()
    install(LAPTOP_PACKAGES)


def install(names: Sequence[str]) -> None:
    """Install those packages that are not."""
    if absent := installed.missing(names):
        packages.install(absent, console.print)


def nothing() -> None:
    """Prepare nothing."""


_PARTS: dict[str, tuple[Callable[[], list[Check]], Callable[[], object]]] = {
    "lint": (lint, nothing),
    "unit": (unit, prepare_units),
    "molecule": (molecule, start_engine),
    "commands": (commands, prepare_laptop),
    "docs": (docs, prepare_laptop),
}
PARTS = tuple(_PARTS)


def run(parts: Iterable[str]) -> int:
    """Run some parts of the checks, all of them even if one fails.

    Returns:
        0 if every check passed.
    """
    outcomes = [outcome for part in parts for outcome in run_part(part)]
    console.print(summary(outcomes))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    return 1 if failed else 0


def run_part(part: str) -> list[Outcome]:
    """Run the checks of one part, some at once, and report each when it ends."""
    make, prepare = _PARTS[part]
    prepare()
    checks = make()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(_run_and_report, [each for each in checks if not each.is_alone]))
    return outcomes + [_run_and_report(each) for each in checks if each.is_alone]


def run_check(check: Check) -> Outcome:
    """Run a check in the root of the repository and keep its output in ``.logs/``."""
    LOGS.mkdir(exist_ok=True)
    log = LOGS / f"{check.part}-{check.name.replace('/', '-').replace(' ', '-')}.log"
    started = time.monotonic()
    with log.open("w") as output:
        done = subprocess.run(
            check.command,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text(errors="replace")
    return Outcome(check, done.returncode == 0, time.monotonic() - started, text)


def closing_lines(output: str) -> list[str]:
    """Return the lines in which pytest says what was measured, and how many tests passed."""
    plain = click.unstyle(output)  # Molecule draws a coloured line in front of pytest's lines
    found = [*_FIGURE.finditer(plain), *_CLOSING.finditer(plain)]
    return [match[0].lstrip(" │") for match in found]


def summary(outcomes: Iterable[Outcome]) -> Table:
    """Return a table of what was checked, with the time of each check in seconds."""
    table = Table("part", "check", "result", box=None, pad_edge=False)
    table.add_column("time", justify="right")
    for outcome in outcomes:
        check, result = outcome.check, "passed" if outcome.passed else "FAILED"
        table.add_row(check.part, check.name, result, f"{outcome.seconds:.1f} s")
    return table


def _run_and_report(check: Check) -> Outcome:
    outcome = run_check(check)
    result = "passed" if outcome.passed else "FAILED"
    lines = [f"{check.part}: {check.name}: {result} in {outcome.seconds:.1f} s"]
    lines += closing_lines(outcome.output) if outcome.passed else [outcome.output]
    console.print("\n".join(lines), markup=False)
    return outcome


def _environment() -> dict[str, str]:
    """Return an environment that finds our programs; Molecule makes an ansible.cfg of its own."""
    environment = playbook.environment() | {"COLUMNS": "200"}  # or it wraps pytest's lines
    del environment["ANSIBLE_CONFIG"]
    return environment
