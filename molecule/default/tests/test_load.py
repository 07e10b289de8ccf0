"""The front page of a site, asked for all the time while its application is updated."""

from pathlib import Path

import pytest

from tests.support import apps
from tests.support.load import Load, steps_back
from tests.support.node import Figure, Node

DEPLOYS = 20
BROKEN = {3, 7, 11, 15, 19}

# Memory of the active instance of hello when it is idle, as the sum over its processes.
IDLE_MEGABYTES = 25


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty versions of hello, five of which cannot be imported."""
    directory, hello = tmp_path_factory.mktemp("hello"), apps.sample("hello")
    runner = (hello / "src/runner.py").read_text()
    last_lines = ["1 / 0" if number in BROKEN else "#" * number for number in range(DEPLOYS)]
    return [
        apps.copy(hello, directory / str(number), {"src/runner.py": f"{runner}\n{line}\n"})
        for number, line in enumerate(last_lines)
    ]


def test_an_idle_instance_needs_little_memory(samples: Node, figure: Figure) -> None:
    samples.page("hello.test")
    instance = samples.active("hello.test")
    unit = f"silver-hello@{instance.partition('.')[2]}.service"
    command = f"cat $(grep -l {unit} /proc/[0-9]*/cgroup | sed s/cgroup/smaps_rollup/)"
    lines = samples.sh(command).splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    megabytes = sum(sizes) / 1024
    figure(f"{megabytes:.1f} MB PSS for {instance}, idle, in {len(sizes)} processes")
    assert len(sizes) >= 3
    assert megabytes <= IDLE_MEGABYTES


def test_twenty_updates_lose_no_request(
    samples: Node, versions: list[Path], figure: Figure
) -> None:
    with Load(samples.address, "hello.test", "hello") as load:
        runs = [samples.deploy(version) for version in versions]

    served = sorted({answer.instance for answer in load.answers if answer.instance})
    figure(
        f"{len(load.answers)} requests during {DEPLOYS} updates, {len(BROKEN)} of them broken: "
        f"{len(load.lost)} lost, {len(served)} instances seen, slowest {load.slowest:.2f} s, "
        f"median update {sorted(run.seconds for run in runs)[DEPLOYS // 2]:.1f} s"
    )
    failed = {number for number, run in enumerate(runs) if run.status}
    assert failed == BROKEN, [str(runs[number]) for number in failed ^ BROKEN]
    assert load.lost == []
    assert steps_back(load.answers) == []
    assert len(served) == DEPLOYS - len(BROKEN) + 1
    assert served[-1] == samples.active("hello.test")


def test_only_the_newest_instances_are_kept(samples: Node) -> None:
    registry = samples.registry()
    kept = sorted(name for name in registry["addresses"] if name.startswith("hello."))
    route = registry["locations"]["hello.test"]
    # The active one, the previous one, and app_keep_instances more.
    assert kept[-2:] == [route["previous"], route["instance"]]
    assert len(kept) == 4
