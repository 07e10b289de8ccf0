"""An application's directory, and Pythons started for it as on a node."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

import silversupport

PACKAGE = Path(silversupport.__file__).parent
PYTHON = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")


@pytest.fixture
def app_dir(tmp_path: Path) -> Path:
    """The root directory of an application that has nothing but an empty lib/python."""
    root = tmp_path / "app"
    (root / "lib" / "python").mkdir(parents=True)
    return root


@pytest.fixture
def write(app_dir: Path) -> Callable[[dict[str, str]], None]:
    """Write files into the application: a text for each relative path."""

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = app_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def python(tmp_path: Path, app_dir: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run code in a fresh Python with PYTHONPATH and environment as on a node.

    Keyword arguments are further environment variables. It is the Python that the virtual
    environment was made from, so nothing of that environment is visible.
    """
    share = tmp_path / "share"
    share.mkdir()
    (share / "silversupport").symlink_to(PACKAGE)
    (share / "sitecustomize.py").symlink_to("silversupport/sitecustomize.py")
    node = {"PYTHONPATH": str(share), "SILVER_INSTANCE_DIR": str(app_dir), "HOME": str(tmp_path)}

    def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PYTHON, "-c", code],
            env={"PATH": os.environ["PATH"], **node, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a test does to this interpreter's path and modules."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    with patch.dict(sys.modules):
        yield
