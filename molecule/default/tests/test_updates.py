"""Updates that change nothing, and updates that change something."""

import os
from pathlib import Path

import pytest

from tests.support import apps, runs
from tests.support.node import Figure, Node

UNCHANGED_SECONDS = 5


@pytest.mark.parametrize("app", ["hello", "questioner", "places"])
def test_an_unchanged_application_stays_as_it_is(samples: Node, app: str, figure: Figure) -> None:
    samples.must_deploy(app)
    before = samples.registry()
    # The best of three: the other tests on this machine are not part of the promise.
    tries = [samples.must_deploy(app) for _ in range(3)]
    assert [run.changed for run in tries] == [0, 0, 0], str(tries[-1])
    assert samples.registry() == before
    seconds = min(run.seconds for run in tries)
    figure(f"{seconds:.1f} s to deploy an unchanged app")
    assert seconds <= UNCHANGED_SECONDS, str(tries[-1])


def test_a_change_of_the_same_size_and_second_is_uploaded(site: Node, tmp_path: Path) -> None:
    apps.change(tmp_path, "app.ini", "[production]\napp_name = poster\n")
    for text in ("one", "two"):
        apps.change(tmp_path, "static/index.html", text)
        os.utime(tmp_path / "static/index.html", (1_700_000_000, 1_700_000_000))
        site.must_deploy(tmp_path, "poster.test")
        assert site.page("poster.test").text == text


def test_what_would_be_changed_is_shown(samples: Node, tmp_path: Path) -> None:
    before = samples.registry()
    changes = {"static/added.txt": "new", "static/hello.css": "changed"}
    copy = apps.copy(apps.sample("hello"), tmp_path / "hello", changes)
    (copy / "static/hello.svg").unlink()
    run = samples.deploy(copy, None, "--check", "--diff")
    assert run.status == 0, str(run)
    for line in (
        "added    static/added.txt",
        "changed  static/hello.css",
        "removed  static/hello.svg",
    ):
        assert line in run.output, str(run)
    assert samples.registry() == before


def test_provisioning_a_node_with_applications_changes_nothing(samples: Node) -> None:
    """The roles that applications come near to; Molecule does all before there is one."""
    before = samples.registry()
    extra = {"node": samples.name, "app_start_timeout": 10}
    run = runs.run("provision.yml", extra, "--tags=varnish,app")
    assert (run.status, run.changed) == (0, 0), str(run)
    assert samples.registry() == before
