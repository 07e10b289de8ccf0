"""docs/services.md adds a service: its files are added to a copy of the repository, and used.

The copy has no other change.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.tests import laptop, pages, repository
from docs.tests.reader import Reader
from silverlining.playbook import ROOT

PAGE = "docs/services.md"
ASK = """
import sys
from silversupport import service
print(service.environment("sqlite", "visits", sys.argv[1], {}, provide=True))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of this repository."""
    target = repository.copied(tmp_path / "silverlining")
    shutil.copytree(ROOT / ".config", target / ".config")
    return target


def test_the_page_touches_no_file_that_is_there() -> None:
    files = [step.name for step in pages.steps(PAGE) if step.kind in ("file", "diff")]
    assert len(files) > 6
    assert [name for name in files if (ROOT / name).exists()] == []


def test_its_files_pass_the_checks_of_the_repository(copy: Path) -> None:
    for step in pages.steps(PAGE):
        if step.kind == "file":
            pages.write(copy, step)
    environment = os.environ | {"PYTHONPATH": str(copy)}
    checks = [sys.executable, "-m", "pytest", "-q", "tests/roles"]
    subprocess.run(checks, cwd=copy, env=environment, check=True)
    asked = [sys.executable, "-c", ASK, str(copy.parent)]
    done = subprocess.run(asked, cwd=copy, env=environment, check=True, capture_output=True)
    found = done.stdout.decode()
    assert found == f"{{'CONFIG_SQLITE': '{copy.parent}/sqlite/app.db'}}\n"


@pytest.mark.usefixtures("site")
def test_a_service_is_added_with_the_files_of_the_page_alone(copy: Path) -> None:
    with laptop.without_data_of("visits"), Reader(copy) as reader:
        reader.follow(PAGE)
