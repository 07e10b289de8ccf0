"""The last block of README.md removes the demo. Pytest takes files by name, so this comes last."""

from pathlib import Path

import pytest

from docs.tests.pages import commands
from docs.tests.root import run
from silverlining import paths


@pytest.mark.usefixtures("demo")
def test_destroying_the_demo_leaves_nothing_behind() -> None:
    destroy = commands("README.md")[-1]
    run(destroy)
    engine = "docker ps --all --quiet --filter label=silverlining.node=demo"
    assert run(engine).strip() == ""
    assert "# silver demo" not in Path("/etc/hosts").read_text()
    assert "demo " not in paths.known_hosts().read_text()
    run(destroy)
