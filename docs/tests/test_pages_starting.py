"""docs/starting.md: what `silver init` makes, and what one can do with it."""

from pathlib import Path

import pytest

from docs.tests.reader import Reader


def test_an_application_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    directory = tmp_path / "here"
    directory.mkdir()
    with Reader(directory) as reader:
        reader.follow("docs/starting.md")
