"""An archive, and the manifest that it has."""

from pathlib import Path

import pytest

from silverbackup.manifest import Manifest


@pytest.fixture
def manifest() -> Manifest:
    """What a backup says of itself before its files are measured."""
    return Manifest(
        app="polls",
        location="polls.test",
        node="web1",
        instance="polls.20261123_001",
        created="2026-11-23T03:19:44+00:00",
        version="0.3.0",
        plan={"name": "polls"},
        versions={"postgresql": "17.6"},
        services={"files": {"facts": {"entries": 3}, "bytes": 70}},
        config="given",
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files of a backup."""
    root = tmp_path / "root"
    for name, text in {
        "services/files/files.tar": "x" * 100_000,
        "services/empty/none": "",
        "config/naïve name.ini": "a = 1\n",
        "secret": "open-sesame",
        "app.ini": "[production]\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "config/link").symlink_to("/etc/passwd")
    return root
